package upstream

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/dial"
	"farmproxy/internal/golden"
	"farmproxy/stats"
)

// TestTranscripts plays testdata/*.txt: one side is a pool, the other one the protocol
// of a link, without a socket, a goroutine or a clock. A transcript begins with prose
// (#). Then what happens stands on a line with a '>' and what becomes of it
// underneath: `link< …` is written to the pool, `+ …` in the same write, `miners< …`
// is what a lane's miners get, `log< …` what operators read, `event …` what the lane
// does.
//
//	goal> user=farm          the pool of the goal: user, pass (workers go under names
//	                          of their own), worker=NAME, suggest=N, agent, direct
//	member> 0001 acct.rig1    a miner joins, by prefix and login; `-` for a login: it leaves
//	link>                     a link begins, for the lane; trial, proof: for nobody
//	pool> {…}                 a line of the pool's
//	difficulty> 12 0001 0002  a frame of an agent pool's: 2^12 for these sessions
//	answer> 0 accept          the same: what became of share number 0 on the connection;
//	                          accept, stale, low
//	share> 1 acct.rig1        a miner with prefix 0102 hands a share in: its nonce, and
//	                          the worker; version=HEX, prefix=HEX, block
//	tick> 5s                  time passes, then Tick
//	end>                      the pool closes the connection
//
// Each is played twice: the pool's bytes come line by line, and one by one. Both are the
// same. Long hex is shortened to its first eight digits.
func TestTranscripts(t *testing.T) {
	golden.Each(t, "testdata/*.txt", 9, func(t *testing.T, file, text string) {
		got := newStage(t, 1<<20).play(text)
		golden.Compare(t, file, got)
		if pieces := newStage(t, 1).play(text); pieces != got {
			t.Errorf("%s is another one byte by byte:\n%s", file, pieces)
		}
	})
}

// In each state that a transcript reaches, the directory is handed over to another
// process, with the link if that is up: after each line, and in the middle of lines too.
// It goes on there as if nothing had been: the pool and the miners get the same bytes.
func TestTranscriptsGoOnInAnotherProcess(t *testing.T) {
	golden.Each(t, "testdata/*.txt", 9, func(t *testing.T, _, want string) {
		t.Parallel()
		check := func(name string, most int, handsOver func(line int) bool) {
			t.Helper()
			g := newStage(t, most)
			g.handsOver, g.within = handsOver, most < 1<<20
			if got := g.play(want); got != want {
				t.Errorf("handed over %s, it is:\n%s", name, got)
			}
		}
		check("after each line", 1<<20, func(int) bool { return true })
		check("after each seven bytes", 7, func(int) bool { return true })
		for at, line := range strings.Split(want, "\n") {
			if verb, _, does := strings.Cut(line, ">"); does && !strings.ContainsAny(verb, " <#") && !t.Failed() {
				check("after "+line, 1<<20, func(n int) bool { return n == at })
			}
		}
	})
}

// stage is where a transcript is played: a lane whose supervisor is the stage.
type stage struct {
	nobody
	t      *testing.T
	most   int // bytes that come at a time
	now    time.Time
	table  Table
	d      *Directory
	lane   *Lane
	link   *link
	last   Post
	result []string

	handsOver func(line int) bool // nil: never
	within    bool                // it does so within lines too
}

func newStage(t *testing.T, most int) *stage { return &stage{t: t, most: most, now: time.Now()} }

func (g *stage) play(script string) string {
	at := -1
	for line := range strings.Lines(script) {
		at++
		line = strings.TrimSuffix(line, "\n")
		verb, rest, does := strings.Cut(line, ">")
		if comment := strings.HasPrefix(line, "#") || line == ""; comment || does && !strings.ContainsAny(verb, " <") {
			g.result = append(g.result, line)
			if !comment {
				g.act(verb, strings.Fields(rest), strings.TrimSpace(rest))
				if g.handsOver != nil && g.handsOver(at) {
					g.handOver()
				}
			}
		}
	}
	return strings.Join(g.result, "\n") + "\n"
}

func (g *stage) act(verb string, words []string, rest string) {
	switch verb {
	case "goal":
		g.goal(options(words))
	case "member":
		p := Prefix{Value: uint16(g.hex(words[0])), Len: 2}
		if words[1] == "-" {
			g.lane.LeaveUnused(p)
		} else {
			g.lane.Rename(Member{Prefix: p, Login: words[1], Agent: "cgminer"})
		}
		g.write()
	case "link":
		g.begin(options(words))
	case "pool":
		g.receive([]byte(rest + "\n"))
	case "difficulty":
		exponent, err := strconv.Atoi(words[0])
		var sids []uint16
		for _, w := range words[1:] {
			sids = append(sids, uint16(g.hex(w)))
		}
		g.must(err)
		g.receive(agent.AppendSetDifficulty(nil, uint8(exponent), sids))
	case "answer":
		index, err := strconv.Atoi(words[0])
		g.must(err)
		g.receive(agent.AppendSubmitResponse(nil, uint16(index), map[string]agent.Status{
			"accept": agent.Accept, "stale": agent.Stale, "low": agent.LowDifficulty,
		}[words[1]]))
	case "share":
		g.share(words)
	case "tick":
		d, err := time.ParseDuration(rest)
		g.must(err)
		g.now = g.now.Add(d)
		g.ended(g.link.protocol.Tick(g.now))
		g.pauses()
		g.write()
	case "end":
		g.ended(g.link.protocol.dialect.ended(errHungUp))
	default:
		g.t.Fatalf("no such verb: %s", verb)
	}
}

// options reads words of the form key or key=value.
func options(words []string) map[string]string {
	m := make(map[string]string)
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		m[key] = value
		if value == "" {
			m[key] = "yes"
		}
	}
	return m
}

func (g *stage) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *stage) hex(s string) uint64 {
	g.t.Helper()
	n, err := strconv.ParseUint(s, 16, 32)
	g.must(err)
	return n
}

// goal makes the directory, with one pool, and a lane.
func (g *stage) goal(is map[string]string) {
	p := Pool{
		Target: dial.Target{Name: "a", URL: "stratum+tcp://a:1", Address: "a:1", Host: "a"},
		User:   "farm", Password: "x", UserAgent: "farmproxy/test",
		PassWorkers: is["pass"] != "", FixedWorker: is["worker"], Direct: is["direct"] != "",
	}
	if is["agent"] != "" {
		p.Dialect = Agent
	}
	p.SuggestDifficulty, _ = strconv.ParseFloat(is["suggest"], 64)
	g.table = kept(p)
	g.directory()
	goal := g.d.goal("")
	goal.mu.Lock()
	defer goal.mu.Unlock()
	g.lane = goal.open(Prefix{Len: 2})
	g.lane.running = true // by the stage
}

func (g *stage) directory() {
	g.d = NewDirectory(DirectoryOptions{Book: stats.New(stats.Options{}), Log: slog.New(told{stage: g})}, g)
	g.d.Set(g.table)
}

// handOver hands the directory over to that of another process, unless the link has yet to
// come up: such links stay behind.
func (g *stage) handOver() {
	if g.link != nil && g.link != g.lane.serving {
		return
	}
	image, wires := g.image()
	sockets := make([]net.Conn, len(wires))
	lane := g.lane.id
	g.directory()
	var i directoryImage
	g.must(json.Unmarshal(image, &i))
	r := &restoring{d: g.d, now: g.now, sockets: sockets, miner: func(c Cookie) Cookie { return c }}
	g.must(r.directory(&i))
	g.lane = g.d.Inherited(lane)
	g.lane.running = true
	if g.link != nil {
		g.link = g.lane.serving
		g.link.protocol.goOn()
	}
	if p := g.lane.latest.Load(); p != nil {
		g.last = *p
	}
	if second, _ := g.image(); string(second) != string(image) {
		g.t.Fatalf("the image of what an image became differs:\n%s\n%s", image, second)
	}
}

// image returns the image of the directory, without the numbers that all tests share.
func (g *stage) image() ([]byte, []Wire) {
	var wire Wire = new(aWire)
	if k := g.lane.serving; k != nil {
		k.wire.Store(&wire)
	}
	x := &imaging{now: g.now}
	i := x.directory(g.d)
	i.Jobs, i.Lanes, i.Epochs = 0, 0, 0
	image, err := json.Marshal(i)
	g.must(err)
	return image, x.wires
}

// begin begins a link, as the lane's supervisor does; a trial and a proof are nobody's.
func (g *stage) begin(is map[string]string) {
	p, lane := g.lane.goal.list()[0], g.lane
	if is["trial"] != "" || is["proof"] != "" {
		lane = nil
	}
	g.now = g.now.Add(time.Minute) // no attempt is in the way of another
	p.begin(g.now)
	k := g.lane.goal.newLink(context.Background(), p, lane, linkFiles{})
	if lane != nil {
		lane.inherit(k)
	}
	k.started, k.trial, k.proof = g.now, is["trial"] != "", is["proof"] != ""
	g.link = k
	g.ended(k.protocol.Begin(g.now))
	g.write()
}

// receive has the link take what the pool sends.
func (g *stage) receive(data []byte) {
	for len(data) > 0 && g.link != nil {
		n := min(g.most, len(data))
		piece := append([]byte(nil), data[:n]...)
		g.ended(g.link.protocol.Step(g.now, piece))
		clear(piece)
		data = data[n:]
		g.pauses()
		g.write()
		if g.within {
			g.handOver()
		}
	}
}

// pauses does what is to be done when the link has a job.
func (g *stage) pauses() {
	k := g.link
	if k == nil || !k.protocol.paused {
		return
	}
	g.write()
	if k.lane == nil {
		g.say("event probed")
		g.link = nil
		return
	}
	g.say("event up")
	g.lane.serve(k, g.now)
	k.protocol.goOn()
	g.ended(k.protocol.Step(g.now, nil))
}

// write takes what the link has to say.
func (g *stage) write() {
	for g.link != nil {
		out := g.link.protocol.Pending(g.now, nil)
		if len(out) == 0 {
			return
		}
		for side := "link<"; len(out) > 0; side = "    +" {
			if out[0] == agent.Magic {
				f, n, err := agent.NextFrame(out)
				g.must(err)
				g.say("%s %s", side, frameText(f))
				out = out[n:]
				continue
			}
			line, rest, _ := strings.Cut(string(out), "\n")
			g.say("%s %s", side, line)
			out = []byte(rest)
		}
	}
}

func frameText(f agent.Frame) string {
	if sid, ok := f.Unregister(); ok {
		return fmt.Sprintf("UNREGISTER %04x", sid)
	}
	if sid, device, worker, ok := f.Register(); ok {
		return fmt.Sprintf("REGISTER %04x %s %s", sid, worker, device)
	}
	return "SUBMIT " + hex.EncodeToString(f[4:])
}

// share hands a share in for the latest job.
func (g *stage) share(words []string) {
	nonce, err := strconv.Atoi(words[0])
	g.must(err)
	s := share(g.lane.Latest().Job, uint32(nonce))
	is := options(words[1:])
	if v := is["version"]; v != "" {
		s.Version = uint32(g.hex(v))
	}
	if v := is["prefix"]; v != "" {
		s.Prefix = uint16(g.hex(v))
	}
	if len(words) > 1 && !strings.Contains(words[1], "=") && words[1] != "block" {
		s.Worker = g.d.book.Worker(words[1])
	}
	s.Block = is["block"] != ""
	if !g.lane.Submit(s) {
		g.say("event not taken")
	}
	g.write()
}

// ended says why the link has, and does what its lane does then.
func (g *stage) ended(err error) {
	k := g.link
	if k == nil {
		return
	}
	if err = k.because(err); err == nil {
		return
	}
	err = k.protocol.blame(err, g.now)
	g.say("event ended: %v", err)
	g.link = nil
	if k.lane == nil {
		return
	}
	if k == g.lane.serving {
		g.lane.orphan(k, err, true, g.now)
	} else {
		g.lane.fail(k, err, g.now)
	}
}

var longHex = regexp.MustCompile(`"([0-9a-f]{8})[0-9a-f]{12,}"`)

func (g *stage) say(format string, args ...any) {
	g.result = append(g.result, longHex.ReplaceAllString(fmt.Sprintf(format, args...), `"$1…"`))
}

// Publish implements Downstream.
func (g *stage) Publish(p Post) {
	text := fmt.Sprintf("difficulty=%g mask=%08x", p.Difficulty, p.Mask)
	if p.Least > 0 {
		text += fmt.Sprintf(" least=%g", p.Least)
	}
	if p.Job != g.last.Job {
		text = fmt.Sprintf("job %s work=%d of %x at %g, %s", p.Job.PoolID, p.Job.Work, p.Job.Extranonce1, p.Job.Difficulty, text)
		if p.Job.Own != nil {
			text += fmt.Sprintf(" 0001=%g", p.Job.DifficultyFor(1))
		}
	}
	if p.Clean {
		text += " clean"
	}
	g.last = p
	g.say("miners< %s", text)
}

// Verdicts implements Downstream.
func (g *stage) Verdicts(list []Verdict) {
	for _, v := range list {
		text := fmt.Sprintf("miners< share %d: %v", v.Cookie, v.Verdict)
		if v.Code != 0 {
			text += fmt.Sprintf(" [%d,%q]", v.Code, v.Text)
		}
		if v.Own {
			text += " its own doing"
		}
		g.say("%s", text)
	}
}

// told is a log whose warnings are in the transcript.
type told struct {
	slog.Handler
	stage *stage
}

func (told) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (h told) WithAttrs([]slog.Attr) slog.Handler         { return h }
func (h told) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "link lost" || r.Message == "link failed" {
		return nil // the stage says that
	}
	h.stage.say("log< %s", r.Message)
	return nil
}
