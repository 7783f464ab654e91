package session

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/internal/golden"
	"farmproxy/work"
)

// TestTranscripts plays testdata/*.txt. A transcript begins with prose (#). Each event
// is a line with a '>', and below it is what the session makes of it: `miner< …` is
// written to the miner, `effect …` is requested of the caller.
//
//	terms> start=1024 min=1 max=0 per_minute=6 malformed=2 answer=local
//	prefix> f50e 2            the next subscribe gets this prefix and extranonce2 size
//	mask> 1fffe000            the goal's mask before there is a job
//	post> job=1 vector=NAME epoch=1 difficulty=1000 mask=1fffe000 size=4 clean
//	post> difficulty=500 mask=1fffe000
//	                          algorithm=NAME in a post with a job: other than sha256d;
//	                          version=HEX instead of the recorded version
//	direct>                   the lane is the miner's own
//	                          work=1: jobs with the same number are the same work
//	move>                     the miner is on another lane now, which has no job yet
//	back>                     the miner is back on its previous lane
//	late>                     shares for jobs of its previous lane still count; late> over: no more
//	miner> {…}                one line from the miner;
//	shares> 100 {…NONCE…}     that many lines, each with its own nonce; not shown
//	lines> 100 {…}            that many lines; not shown, except the one that ends the connection
//	verdict> id=4 accepted    the pool's verdict; own: a refusal is the miner's own
//	                          fault; times=N: repeated that often, and not shown
//	tick> 5s                  time passes, then Tick
//	keepalive> 30s            time passes, then the last job is sent again
//	reconnect>                the miner is back on a new connection; its session is parked
//
// Long hex is shortened to its first eight digits.
func TestTranscripts(t *testing.T) {
	golden.Each(t, "testdata/*.txt", 10, func(t *testing.T, file, text string) {
		golden.Compare(t, file, newStage(t).play(text, nil))
	})
}

type stage struct {
	t       *testing.T
	checker work.Checker
	env     Env
	terms   Terms
	session Session
	parked  *parkedSession
	feed    Feed
	before  Feed // of the miner's previous lane
	moved   bool // to a lane without a post yet
	prefix  []byte
	size    int
	nonce   uint32 // of the last share by shares
	decoder *codec.Decoder
	request codec.Request
	whose   string // the worker of the share that is hashed
	result  []string

	// The process that has the session now: see handOver.
	process int
	higher  uint32 // added to its work numbers
	ids     uint32 // so are its jobs, of an agent
}

// parkedSession is the parked part of a session.
type parkedSession struct {
	state   State
	headers Headers
	moment  time.Duration
}

func (k *parkedSession) restore() Session {
	return Restore(k.state, nil, k.headers, &Translation{Moment: k.moment})
}

func newStage(t *testing.T) *stage {
	g := &stage{t: t, decoder: codec.NewDecoder(), prefix: []byte{0xf5, 0x0e}, size: 2}
	g.terms = Terms{
		SubscribeTimeout: 15 * time.Second,
		AuthorizeTimeout: 60 * time.Second,
		MalformedLimit:   2,
		Difficulty:       Policy{Start: 16384, Min: 1, SharesPerMinute: 6},
	}
	g.env = Env{Terms: &g.terms, Mask: 0x1fffe000}
	g.feed.Lane = 1
	return g
}

// play plays a script. After each line for which handsOver returns true, the session
// moves to another process; nil: never.
func (g *stage) play(script string, handsOver func(line int) bool) string {
	for at, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		if strings.HasPrefix(line, "miner<") || strings.HasPrefix(line, "effect ") {
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

func (g *stage) act(verb, rest string) {
	args := map[string]string{}
	for _, word := range strings.Fields(rest) {
		key, value, _ := strings.Cut(word, "=")
		args[key] = value
	}
	switch verb {
	case "terms":
		g.setTerms(args)
	case "prefix":
		prefix, size, _ := strings.Cut(rest, " ")
		g.prefix, g.size = mustHex(g.t, prefix), g.number(size)
	case "mask":
		g.env.Mask = g.hex(rest)
	case "post":
		g.post(args)
	case "direct":
		g.feed.Direct = true
	case "move":
		g.before = g.feed
		g.feed = Feed{Lane: g.before.Lane + 1}
		g.moved = true
	case "back":
		g.feed, g.before = g.before, g.feed
		g.show(g.session.Moved(&g.env, true, nil))
	case "late":
		if g.env.Left = &g.before; rest == "over" {
			g.env.Left = nil
		}
	case "miner":
		g.miner(rest)
	case "shares":
		g.shares(rest)
	case "lines":
		g.lines(rest)
	case "verdict":
		g.verdict(args)
	case "tick":
		g.env.Now += g.duration(rest)
		g.show(g.session.Tick(&g.env, nil))
	case "keepalive":
		d := g.duration(rest)
		g.env.Now += d
		g.feed.Keepalive(uint32(d.Seconds()))
		g.show(g.session.Job(&g.env, false, nil))
	case "reconnect":
		g.parked = &parkedSession{g.session.State(g.env.Now), g.session.Headers(), g.env.Now}
		g.session = Session{state: State{opened: momentOf(g.env.Now)}}
	default:
		g.t.Fatalf("%q is not a verb", verb)
	}
}

func (g *stage) setTerms(args map[string]string) {
	for key, value := range args {
		switch key {
		case "start":
			g.terms.Difficulty.Start = g.float(value)
		case "min":
			g.terms.Difficulty.Min = g.float(value)
		case "max":
			g.terms.Difficulty.Max = g.float(value)
		case "per_minute":
			g.terms.Difficulty.SharesPerMinute = g.float(value)
		case "malformed":
			g.terms.MalformedLimit = g.number(value)
		case "answer":
			g.terms.AnswerLocal = value == "local"
		case "lost_rolling":
			g.terms.ReconnectLostRolling = value == "reconnect"
		default:
			g.t.Fatalf("%q is not a term", key)
		}
	}
}

func (g *stage) post(args map[string]string) {
	var job *work.Job
	_, clean := args["clean"]
	if name := args["vector"]; name != "" {
		job = vectorJob(g.t, name, uint32(g.number(args["job"])), g.number(args["size"]), len(g.prefix), func(n *codec.Notify) {
			if v := args["version"]; v != "" {
				n.Version = g.hex(v)
			}
		})
		job.Epoch = uint64(g.number(args["epoch"]))
		job.Clean = clean
		job.Difficulty = g.float(args["difficulty"])
		job.Mask = g.hex(args["mask"])
		job.Work = uint32(g.number(args["work"])) + g.higher
		if name := args["algorithm"]; name != "" {
			algorithm, known := work.LookupAlgorithm(name)
			if !known {
				algorithm.Divider = 4 // the store's word
			}
			job.Algorithm = &algorithm
		}
	}
	isNew := g.feed.Post(job, clean, g.hex(args["mask"]), g.float(args["difficulty"]))
	if g.moved {
		g.moved = false
		g.show(g.session.Moved(&g.env, false, nil))
	} else if isNew {
		g.show(g.session.Job(&g.env, clean, nil))
	} else {
		g.show(g.session.Adjust(&g.env, nil), Effect{})
	}
}

func (g *stage) miner(line string) {
	var out []byte
	var effect Effect
	if err := g.decoder.DecodeRequest([]byte(line), &g.request); err != nil {
		out, effect = g.session.Malformed(&g.env, err.(*codec.Error), nil)
	} else {
		out, effect = g.session.Step(&g.env, &g.request, nil)
	}
	g.show(out, effect)
	switch effect.Kind {
	case WantHash:
		g.whose = g.session.nameOf(effect.Worker)
		list := []Candidate{*effect.Candidate}
		FindHashes(&g.checker, list)
		g.show(g.session.Judge(&g.env, &list[0], nil))
	case WantSubscribe:
		g.env.Feed = &g.feed
		if g.parked != nil && effect.Resume != 0 && effect.Resume == g.parked.state.ID() {
			parked := g.parked.restore()
			g.parked = nil
			out = g.session.Resume(&g.env, &g.request, &parked, nil)
		} else {
			out = g.session.Subscribed(&g.env, &g.request, 0x1122334455667788, g.prefix, g.size, nil)
		}
		g.show(out, Effect{})
	case WantAuthorize:
		if strings.HasPrefix(effect.Login, "stranger") {
			out = g.session.Refused(&g.request, "No such account", nil)
		} else {
			out = g.session.Authorized(&g.env, &g.request, effect.Login, 0, nil)
		}
		g.show(out, Effect{})
	}
}

// shares plays that many shares, and shows only lines with a method, not the verdicts.
func (g *stage) shares(rest string) {
	count, line, _ := strings.Cut(rest, " ")
	shown := len(g.result)
	for range g.number(count) {
		g.nonce++
		g.miner(strings.Replace(line, "NONCE", fmt.Sprintf("%08x", g.nonce), 1))
	}
	said := g.result[shown:]
	g.result = append(g.result[:shown], slices.DeleteFunc(said, func(line string) bool { return !strings.Contains(line, `"method"`) })...)
}

// lines plays one line many times, and shows only what ends the connection.
func (g *stage) lines(rest string) {
	count, line, _ := strings.Cut(rest, " ")
	shown := len(g.result)
	for range g.number(count) {
		g.miner(line)
	}
	said := g.result[shown:]
	g.result = append(g.result[:shown], slices.DeleteFunc(said, func(line string) bool { return !strings.HasPrefix(line, "effect hangup") })...)
}

func (g *stage) verdict(args map[string]string) {
	id, _ := codec.MakeID(codec.Raw(args["id"]))
	_, own := args["own"]
	for v := range work.Verdict(work.NumVerdicts) {
		if _, ok := args[v.String()]; !ok {
			continue
		}
		for range max(1, g.number(args["times"])) {
			if g.session.Settled(v, own) {
				g.show(nil, Effect{Kind: Hangup, Reason: SharesRefused})
			}
		}
		if args["times"] == "" {
			g.show(g.session.Verdict(&id, v, v.Code(), v.Text(), nil), Effect{})
		}
		return
	}
	g.t.Fatalf("no such verdict: %v", args)
}

var longHex = regexp.MustCompile(`"([0-9a-f]{8})[0-9a-f]{12,}"`)

// show records the outcome of a call.
func (g *stage) show(out []byte, e Effect) {
	for line := range strings.Lines(string(out)) {
		if !strings.HasSuffix(line, "\n") || !json.Valid([]byte(line)) {
			g.t.Errorf("not a line of JSON: %q", line)
		}
		line = regexp.MustCompile(`("1122334455667788")`).ReplaceAllString(line, `"sid"`)
		g.result = append(g.result, "miner< "+strings.TrimSuffix(longHex.ReplaceAllString(line, `"$1…"`), "\n"))
	}
	switch e.Kind {
	case WantSubscribe:
		g.note("want_subscribe agent=%q resume=%x", e.Agent, e.Resume)
	case WantAuthorize:
		g.note("want_authorize login=%q", e.Login)
	case Reauthorized:
		g.note("reauthorized %s", e.Login)
	case JobSentAgain:
		g.note("job sent again")
	case WantHash:
		if e.Candidate.Job.Algorithm.Slow { // the others are hashed at once
			g.note("want_hash job=%d", e.Candidate.Job.ID-g.ids)
		}
	case Judged:
		g.note("judged %s work=%v", e.Verdict, e.Work)
	case Forward:
		late := ""
		if e.Late {
			late = " late"
		}
		g.note("forward job=%d extranonce2=%x version=%08x ntime=%08x nonce=%08x work=%v answered=%v worker=%s%s",
			e.Candidate.Job.ID-g.ids, e.Candidate.Extranonce2[:e.Candidate.Size], e.Candidate.Version, e.Candidate.NTime, e.Candidate.Nonce, e.Work, e.Candidate.Answered, g.whose, late)
	case Hangup:
		g.note("hangup %s", e.Reason)
	}
}

func (g *stage) note(format string, args ...any) {
	g.result = append(g.result, "effect "+fmt.Sprintf(format, args...))
}

func (g *stage) number(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}

func (g *stage) float(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		g.t.Fatal(err)
	}
	return f
}

func (g *stage) hex(s string) uint32 {
	if s == "" {
		return 0
	}
	v, ok := codec.HexUint32([]byte(s))
	if !ok {
		g.t.Fatalf("%q is not hex", s)
	}
	return v
}

func (g *stage) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		g.t.Fatal(err)
	}
	return d
}

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vectorJob makes the job of a recorded share. size is the pool's extranonce2
// size, 0 the recorded one.
func vectorJob(t testing.TB, name string, id uint32, size, prefix int, change ...func(*codec.Notify)) *work.Job {
	t.Helper()
	data, err := os.ReadFile("../work/testdata/stratum.json")
	if err != nil {
		t.Fatal(err)
	}
	type vector struct {
		Name        string
		Extranonce1 string
		Size        int             `json:"extranonce2_size"`
		Notify      json.RawMessage `json:"notify_params"`
	}
	var file struct {
		Vectors []vector `json:"stratum_v1"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(file.Vectors, func(v vector) bool { return v.Name == name })
	if at < 0 {
		t.Fatalf("no vector %q", name)
	}
	v := file.Vectors[at]
	if size == 0 {
		size = v.Size
	}
	layout, ok := work.NewLayout(size, prefix)
	if !ok {
		t.Fatalf("extranonce2 size %d is too small", size)
	}
	n, err := codec.Raw(v.Notify).Notify()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(n)
	}
	extranonce1 := mustHex(t, v.Extranonce1)
	job := work.NewJob(n.Template, extranonce1, layout)
	job.ID, job.Epoch = id, 1
	job.Line = codec.NewNotifyLine(id, &n.Template, layout.Fold(extranonce1))
	return job
}
