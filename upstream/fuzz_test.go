package upstream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

// FuzzPool feeds a link that an event loop carries what a pool, or an agent pool,
// sends: the same bytes in one piece and in many. Both links must come to the same
// end, with the same job and the same verdicts, no share with two, and buffers within
// their bounds.
func FuzzPool(f *testing.F) {
	f.Add(false, uint64(1), []byte(notify("1", true)+"\n"+`{"id":6,"result":true,"error":null}`+"\n"+`{"id":7,"result":null,"error":[23,"low",null]}`+"\n"))
	f.Add(false, uint64(2), []byte(`{"id":null,"method":"mining.set_difficulty","params":[1e308]}`+"\n\x00\n"+strings.Replace(notify("1", true), `"1"`, `{"a":[7]}`, 1)+"\n"))
	f.Add(false, uint64(3), []byte(`{"id":null,"method":"mining.set_extranonce","params":["ccdd"]}`+"\n"+notify("2", false)+"\n"+`{"id":9,"method":"mining.ping"}`+"\n"))
	f.Add(false, uint64(4), []byte(`{"id":null,"method":"mining.set_version_mask","params":["00c00000"]}`+"\n"+`{"id":null,"method":"client.reconnect","params":["other.example",1,0]}`+"\n"))
	f.Add(true, uint64(5), agent.AppendSubmitResponse([]byte(notify("7", true)+"\n"), 0, agent.Accept))
	f.Add(true, uint64(6), agent.AppendSetDifficulty([]byte("\r\n\x00"), 12, []uint16{0x0102, 3}))
	f.Add(true, uint64(7), []byte("\x7f\x05\x03\x00"))
	f.Fuzz(func(t *testing.T, agent bool, cuts uint64, data []byte) {
		speaks := Stratum
		if agent {
			speaks = Agent
		}
		whole, pieces := newFuzzedLink(t, speaks), newFuzzedLink(t, speaks)
		whole.feed(data)
		random := rand.New(rand.NewPCG(cuts, 1))
		for rest := data; len(rest) > 0 && pieces.err == nil; {
			n := min(1+random.IntN(1+random.IntN(300)), len(rest))
			pieces.feed(rest[:n])
			rest = rest[n:]
		}
		if a, b := whole.String(), pieces.String(); a != b {
			t.Fatalf("%q\nin one piece: %s\nin pieces:    %s", data, a, b)
		}
	})
}

// fuzzedLink is a link on a wire, with shares that wait for the pool's answer.
type fuzzedLink struct {
	nobody
	t        *testing.T
	link     *carried
	wire     aWire
	out      sink
	verdicts []string
	err      error
}

func (l *fuzzedLink) Verdicts(list []Verdict) {
	for _, v := range list {
		l.verdicts = append(l.verdicts, fmt.Sprint(v.Cookie, v.Verdict, v.Code, v.Text))
	}
}

func newFuzzedLink(t *testing.T, speaks Dialect) *fuzzedLink {
	l := &fuzzedLink{t: t}
	d := NewDirectory(DirectoryOptions{Book: stats.New(stats.Options{})}, l)
	d.Set(kept(Pool{Target: dial.Target{Name: "a", Host: "pool.example"}, User: "farm", Dialect: speaks}))
	g := d.goal("")
	lane := newLane(g, Prefix{Len: 2}, 0)
	layout, _ := work.NewLayout(agentSize, 2)
	e := newEpoch(g.list()[0], "", nil, agentSize, layout)
	lane.setEpochs([]*epoch{e})
	k := g.newLink(t.Context(), g.list()[0], lane, linkFiles{})
	atWork(k, e)
	k.active.Store(false)
	lane.serving = k
	l.link = &carried{link: k}
	if err := l.link.Opened(&l.wire); err != nil {
		t.Fatal(err)
	}
	k.protocol.setMask(0x1fffe000)
	k.activate()
	job := work.NewJob(work.Template{Version: 0x20400000}, nil, layout)
	job.PoolID, job.Epoch, job.Mask = `"7"`, e.id, 0x1fffe000
	for n := range uint32(4) {
		s := share(job, n+1)
		s.Worker = d.book.Worker("acct.rig1")
		lane.Submit(s)
	}
	l.out.take(k)
	return l
}

// feed is one read of the loop, and the end of its turn.
func (l *fuzzedLink) feed(data []byte) {
	data = slices.Clone(data)
	l.err = l.link.Received(time.Now(), data)
	l.out.take(l.link.link)
	clear(data) // the loop's buffer is read into again: nothing may be kept of it
	if n := cap(l.link.protocol.stream.buf); n > 2*codec.MaxPoolLine {
		l.t.Fatalf("the buffer has grown to %d bytes", n)
	}
	seen := make(map[string]bool)
	for _, v := range l.verdicts {
		cookie, _, _ := strings.Cut(v, " ")
		if seen[cookie] {
			l.t.Fatalf("share %s has two verdicts: %q", cookie, l.verdicts)
		}
		seen[cookie] = true
	}
}

// String is all that the two links must have in common.
func (l *fuzzedLink) String() string {
	k, job := l.link.protocol, "none"
	if k.job != nil {
		job = fmt.Sprintf("%s clean %v difficulty %v mask %08x of %x", k.job.PoolID, k.job.Clean, k.job.Difficulty, k.job.Mask, k.job.Extranonce1)
	}
	return fmt.Sprintf("err %v, job %s, difficulty %v, mask %08x, malformed %d, verdicts %q, moves to %q",
		l.err, job, k.difficulty, k.mask, k.book.Malformed.Load(), l.verdicts, k.health.moveTo)
}
