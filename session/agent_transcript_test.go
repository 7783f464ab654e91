package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/internal/golden"
	"farmproxy/work"
)

// TestAgentTranscripts plays testdata/agent/*.txt, which have the form of those of
// TestTranscripts: events have a '>', and below each is what the agent gets.
//
//	terms> …                            as there
//	mask> 1fffe000                      what its goal lets roll
//	lane>                               the agent is brought to its lane before it authorizes
//	agent> {…}                          one line from the agent
//	frame> 7f0406002211                 one frame of the agent
//	register> session=1 worker=w1 agent=cgminer
//	unregister> session=1
//	submit> job=1 session=1 nonce=1 en2=1 time=… mask=…
//	                                    without nonce: the first that meets the session's difficulty
//	post> job=1 vector=NAME size=8 difficulty=… clean
//	                                    e1=HEX is the pool's extranonce1, epoch=2 another session
//	hashed>                             a slow hash is there
//	verdict> accepted                   of the last share that was forwarded
//	tick> 5s                            time passes, then Tick
//	keepalive> 30s                      time passes, then the last job is sent again
func TestAgentTranscripts(t *testing.T) {
	golden.Each(t, "testdata/agent/*.txt", 5, func(t *testing.T, file, text string) {
		golden.Compare(t, file, newAgentStage(t).play(text, nil))
	})
}

type agentStage struct {
	*stage
	agent Agent
	last  codec.ID // of the last forwarded share

	candidate [1]Candidate // being hashed
}

func newAgentStage(t *testing.T) *agentStage {
	return &agentStage{stage: newStage(t)}
}

// play does what a stage's play does.
func (g *agentStage) play(script string, handsOver func(line int) bool) string {
	for at, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		if strings.HasPrefix(line, "agent<") || strings.HasPrefix(line, "effect ") {
			continue // built again
		}
		g.result = append(g.result, line)
		if verb, rest, ok := strings.Cut(line, ">"); ok && !strings.HasPrefix(line, "#") {
			g.act(verb, strings.TrimSpace(rest))
			if handsOver != nil && handsOver(at) {
				g.handOver()
			}
		}
	}
	return strings.Join(g.result, "\n") + "\n"
}

func (g *agentStage) act(verb, rest string) {
	args := map[string]string{}
	for _, word := range strings.Fields(rest) {
		key, value, _ := strings.Cut(word, "=")
		args[key] = value
	}
	sid := uint16(g.number(args["session"]))
	switch verb {
	case "terms":
		g.setTerms(args)
	case "mask":
		g.env.Mask = g.hex(rest)
	case "lane":
		g.env.Feed = &g.feed
		g.shown(g.agent.Job(&g.env, true, nil))
	case "agent":
		g.line(rest)
	case "frame":
		g.frame(mustHex(g.t, rest))
	case "register":
		g.frame(agent.AppendRegister(nil, sid, args["agent"], args["worker"]))
	case "unregister":
		g.frame(agent.AppendUnregister(nil, sid))
	case "submit":
		g.submit(sid, args)
	case "post":
		g.post(args)
	case "hashed":
		g.judge()
	case "verdict":
		g.verdict(args)
	case "tick":
		g.env.Now += g.duration(rest)
		g.shown(nil, g.agent.Tick(&g.env))
	case "keepalive":
		d := g.duration(rest)
		g.env.Now += d
		g.feed.Keepalive(uint32(d.Seconds()))
		g.shown(g.agent.Job(&g.env, false, nil))
	default:
		g.t.Fatalf("%q is not a verb", verb)
	}
}

func (g *agentStage) line(line string) {
	if err := g.decoder.DecodeRequest([]byte(line), &g.request); err != nil {
		g.shown(g.agent.Malformed(&g.env, err.(*codec.Error), nil))
		return
	}
	out, effect := g.agent.Step(&g.env, &g.request, nil)
	g.shown(out, effect)
	switch {
	case effect.Kind != WantAuthorize:
		if g.agent.Waiting() && g.env.Feed != nil {
			g.shown(g.agent.Job(&g.env, true, nil))
		}
	case strings.HasPrefix(effect.Login, "stranger"):
		g.shown(g.agent.Refused(&g.request, "No such account", nil), Effect{})
	default:
		g.env.Feed = &g.feed
		out = g.agent.Authorized(&g.request, effect.Login, nil)
		g.shown(g.agent.Job(&g.env, true, out))
	}
}

func (g *agentStage) frame(f agent.Frame) {
	out, effect := g.agent.Frame(&g.env, f, nil)
	g.shown(out, effect)
	switch effect.Kind {
	case WantRegister:
		g.agent.Registered(&g.env, effect.SID, effect.Login, 0)
	case WantHash:
		g.candidate[0] = *effect.Candidate
		if !g.candidate[0].Job.Algorithm.Slow {
			g.judge()
		}
	}
}

func (g *agentStage) judge() {
	FindHashes(&g.checker, g.candidate[:])
	g.shown(g.agent.Judge(&g.env, &g.candidate[0], nil))
}

// submit submits a share as an agent does.
func (g *agentStage) submit(sid uint16, args map[string]string) {
	share := agent.Share{Job: uint8(g.number(args["job"])), SID: sid, Extranonce2: g.hex(args["en2"]), Nonce: g.hex(args["nonce"])}
	_, share.HasTime = args["time"]
	_, share.HasVersion = args["mask"]
	share.NTime, share.VersionMask = g.hex(args["time"]), g.hex(args["mask"])
	if args["nonce"] == "" {
		g.mine(&share)
	}
	g.frame(agent.AppendSubmit(nil, &share))
}

// mine finds the first nonce that meets the pool's difficulty.
func (g *agentStage) mine(share *agent.Share) {
	sent := g.agent.jobs[share.Job]
	job, _ := g.feed.find(sent.job)
	if job == nil {
		return
	}
	s := work.Solution{Prefix: share.SID, Version: job.Version ^ share.VersionMask, NTime: sent.ntime}
	if share.HasTime && share.NTime != 0 {
		s.NTime = share.NTime
	}
	s.SetExtranonce2(binary.BigEndian.AppendUint32(nil, share.Extranonce2)...)
	for {
		hash := g.checker.Hash(job, &s)
		if job.Algorithm.Difficulty(&hash) >= job.Difficulty {
			share.Nonce = s.Nonce
			return
		}
		s.Nonce++
	}
}

func (g *agentStage) post(args map[string]string) {
	var job *work.Job
	_, clean := args["clean"]
	if name := args["vector"]; name != "" {
		job = vectorJob(g.t, name, uint32(g.number(args["job"])), g.number(args["size"]), 2, func(n *codec.Notify) {
			if v := args["version"]; v != "" {
				n.Version = g.hex(v)
			}
		})
		if e1 := args["e1"]; e1 != "" {
			id, line := job.ID, job.Line
			job = work.NewJob(job.Template, mustHex(g.t, e1), job.Layout)
			job.ID, job.Line = id, line
		}
		job.ID += g.ids
		job.Epoch = uint64(g.number(args["epoch"]))
		job.Clean = clean
		job.Difficulty = g.float(args["difficulty"])
		job.Mask = g.hex(args["mask"])
		job.Work = uint32(g.number(args["work"])) + g.higher
		if name := args["algorithm"]; name != "" {
			algorithm, _ := work.LookupAlgorithm(name)
			job.Algorithm = &algorithm
		}
	}
	if g.feed.Post(job, clean, g.hex(args["mask"]), g.float(args["difficulty"])) {
		g.shown(g.agent.Job(&g.env, clean, nil))
	} else {
		g.shown(g.agent.Adjust(&g.env, nil), Effect{})
	}
}

func (g *agentStage) verdict(args map[string]string) {
	for v := range work.Verdict(work.NumVerdicts) {
		if _, ok := args[v.String()]; ok {
			g.shown(g.agent.Verdict(&g.last, v, nil), Effect{})
			return
		}
	}
	g.t.Fatalf("no such verdict: %v", args)
}

// sid is the label of a subscription, which agents don't use.
var sid = regexp.MustCompile(`"00000000[0-9a-f]{8}"`)

// shown records the outcome of a call.
func (g *agentStage) shown(out []byte, e Effect) {
	for len(out) > 0 {
		if out[0] == agent.Magic {
			f, n, err := agent.NextFrame(out)
			if err != nil || n == 0 {
				g.t.Fatalf("not a frame: %x", out)
			}
			out = out[n:]
			g.result = append(g.result, "agent< "+frameText(f))
			continue
		}
		end := bytes.IndexByte(out, '\n')
		if end < 0 {
			g.t.Fatalf("not a line: %q", out)
		}
		line := sid.ReplaceAllString(string(out[:end]), `"sid"`)
		g.result = append(g.result, "agent< "+longHex.ReplaceAllString(line, `"$1…"`))
		out = out[end+1:]
	}
	switch e.Kind {
	case WantRegister:
		g.note("want_register session=%d login=%q agent=%q", e.SID, e.Login, e.Agent)
	case Unregistered:
		g.note("unregistered session=%d worker=%s", e.SID, e.Gone.Name())
	case WantRoute:
		g.note("want_route")
	case Malformed:
		g.note("malformed")
	case Forward:
		g.last = e.Candidate.ID
		g.note("session=%d", e.SID)
		g.whose = g.agent.Name(e.SID)
		g.show(nil, e)
	default:
		g.show(nil, e)
	}
	g.agent.Changed(func(sid uint16, d float64) { g.note("difficulty worker=%s %v", g.agent.Name(sid), d) })
}

func frameText(f agent.Frame) string {
	if exponent, sessions, ok := f.SetDifficulty(nil); ok {
		return fmt.Sprintf("set_diff 2^%d %d", exponent, sessions)
	}
	if index, status, ok := f.SubmitResponse(); ok {
		if status.Accepted() {
			return fmt.Sprintf("response index=%d accepted", index)
		}
		return fmt.Sprintf("response index=%d %d %s", index, status, status.Text())
	}
	return fmt.Sprintf("frame %x", []byte(f))
}
