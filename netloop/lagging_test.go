//go:build !race

package netloop

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/session"
	"farmproxy/upstream"
)

// reader is a connection whose other end reads when the test says so: until then the
// kernel takes nothing, and all waits in the peer.
type reader struct {
	socket
	reads int // for the test to count
}

func (r *reader) Write([]byte) (int, error) { return 0, nil }

func (r *reader) peer() *peer { return r.context.(*peer) }

// unread returns how many bytes wait.
func (r *reader) unread() int { return len(r.peer().unsent()) }

// read reads up to n bytes.
func (r *reader) read(n int) (b []byte) {
	if kept := r.peer().unsent(); len(kept) > 0 {
		n = min(n, len(kept))
		b, r.peer().rare.unsent = kept[:n], kept[n:]
	}
	return b
}

// readAll reads everything.
func (r *reader) readAll() []byte { return r.read(maxOutgoing) }

// jobs reads everything and returns the ids of the jobs in it; a clean one has an
// exclamation mark.
func (r *reader) jobs() (ids string) {
	for line := range bytes.Lines(r.readAll()) {
		if _, params, is := strings.Cut(string(line), `"mining.notify","params":["`); is {
			id, _, _ := strings.Cut(params, `"`)
			if ids += " " + id; strings.Contains(string(line), "],true]") || strings.HasSuffix(string(line), "true]}\n") {
				ids += "!"
			}
		}
	}
	return strings.TrimSpace(ids)
}

// closer is an event loop that closes connections.
type closer struct {
	gnet.EventLoop
	loop *loop
}

func (c closer) Close(conn gnet.Conn) error {
	c.loop.remove(conn.(*reader).context.(*peer))
	return nil
}

// reading is a loop with miners that read when told to.
type reading struct {
	*loop
	t      *testing.T
	miners []*reader
	peers  []*peer
	job    uint32
	padded int // bytes that are added to a job
}

func newReading(t *testing.T, miners int) *reading {
	r := &reading{loop: newBenchLoop(t, miners), t: t}
	r.loop.gnet = closer{loop: r.loop}
	r.loop.lagging.max = maxOutgoing
	for i := range miners {
		c := &reader{}
		r.add(c, &listener{})
		p := c.context.(*peer)
		r.loop.read(p, fmt.Appendf(nil, `{"id":2,"method":"mining.subscribe","params":["x"]}`+"\n"+`{"id":3,"method":"mining.authorize","params":["farm.rig%d","x"]}`+"\n", i))
		c.readAll()
		r.miners, r.peers = append(r.miners, c), append(r.peers, p)
	}
	r.after(time.Second) // they have read
	return r
}

// next sends a job to all miners as far as they can take it.
func (r *reading) next(clean bool) {
	r.t.Helper()
	r.job++
	job := newBenchJob(r.job)
	job.Line.Tail = append(bytes.Repeat([]byte{'0'}, r.padded), job.Line.Tail...)
	for _, f := range r.feeds {
		r.post(&upstream.Post{Lane: f.lane, Job: job, Clean: clean, Mask: 0x1fffe000, Difficulty: 1024})
		for f.busy {
			r.fanOutFeed(f)
		}
	}
}

// after lets time pass, and then lets the loop look.
func (r *reading) after(d time.Duration) {
	r.env.Now += d
	r.look()
}

func (r *reading) wantJobs(miner int, want string) {
	r.t.Helper()
	if got := r.miners[miner].jobs(); got != want {
		r.t.Errorf("miner %d reads the jobs %q, want %q", miner, got, want)
	}
}

func (r *reading) wantClosed(miner int, reason session.Reason, closed bool) {
	r.t.Helper()
	if (r.peers[miner].conn == nil) != closed || closed && r.peers[miner].reason != reason {
		r.t.Errorf("miner %d is closed: %v, for %v; want %v", miner, r.peers[miner].conn == nil, r.peers[miner].reason, closed)
	}
}

func TestALaggardGetsTheNewestJobWhenItHasRead(t *testing.T) {
	r := newReading(t, 2)
	r.next(true)
	r.wantJobs(0, "1!")
	r.after(time.Second)
	r.next(false) // miner 1 has not read the first one
	r.next(true)
	r.next(false)
	r.wantJobs(0, "2")
	r.wantJobs(1, "1!")
	r.after(time.Second)
	r.wantJobs(0, "4!") // it missed a clean one, and must know
	r.wantJobs(1, "4!")
	r.after(time.Second)
	r.next(false)
	r.wantJobs(0, "5")
	r.wantJobs(1, "5")
}

// The memory of waiting jobs does not grow, however large and many they are.
func TestLargeJobsCloseNobodyWhoReads(t *testing.T) {
	r := newReading(t, 2)
	r.padded = 250 << 10
	for range 50 {
		r.next(true)
		r.after(time.Second)
		r.miners[0].read(r.padded / 8) // slowly
	}
	r.wantClosed(0, 0, false)
	if n := r.miners[0].unread(); n > 2*r.padded {
		t.Errorf("%d bytes wait for a job of %d", n, r.padded)
	}
	for range int(maxUnread / time.Second) {
		r.after(time.Second)
		r.miners[0].read(1)
	}
	r.wantClosed(0, 0, false)
	r.wantClosed(1, session.TooSlow, true)
}

func TestUnreadAnswersAreBounded(t *testing.T) {
	r := newReading(t, 2)
	r.next(true)
	ping := []byte(strings.Repeat(`{"id":1,"method":"mining.ping","params":[]}`+"\n", 100))
	for range maxOutbound / 3000 {
		r.loop.read(r.peers[1], ping)
		r.miners[0].readAll()
		r.loop.read(r.peers[0], ping)
		r.after(time.Millisecond)
	}
	r.wantClosed(0, 0, false)
	r.wantClosed(1, session.TooSlow, true)
}

// Miners that ask and do not read filled the memory that jobs may take as well, and miners
// that read got no job.
func TestUnreadAnswersKeepNobodyFromAJob(t *testing.T) {
	const miners = 10
	r := newReading(t, miners)
	r.padded = 2 << 10
	r.loop.lagging.max = 100 << 10
	r.next(true)
	r.wantJobs(0, "1!")
	ping := []byte(`{"id":1,"method":"mining.ping","params":[]}` + "\n")
	unread := 0
	for i := 1; i < miners; i++ {
		r.loop.read(r.peers[i], bytes.Repeat(ping, 130))
		unread += r.miners[i].unread()
	}
	if unread < r.loop.lagging.max/2 {
		t.Fatalf("only %d bytes wait", unread)
	}
	for range 2 {
		r.after(time.Second)
		r.next(true)
		r.wantJobs(0, fmt.Sprint(r.job, "!"))
	}
	r.wantClosed(1, 0, false)
	r.loop.read(r.peers[1], bytes.Repeat(ping, 300)) // there is no room for so many more answers
	r.wantClosed(1, session.TooSlow, true)
	r.after(time.Second)
	r.next(true)
	r.wantJobs(0, fmt.Sprint(r.job, "!"))
}

// All kept bytes are bounded: beyond that jobs wait, and no miner that reads is
// closed.
func TestUnreadIsBoundedInAll(t *testing.T) {
	const miners = 40
	r := newReading(t, miners)
	r.padded = 60 << 10
	r.loop.lagging.max = 1 << 20
	for range 5 {
		r.next(true)
		sum := 0
		for _, m := range r.miners {
			sum += m.unread()
		}
		if limit := r.loop.lagging.max/2 + 2*r.padded; sum > limit || sum < r.padded {
			t.Fatalf("%d bytes wait, want at most %d, and something", sum, limit)
		}
	}
	last := fmt.Sprintf("%x!", r.job)
	for range 10 { // in each round, those that have read their job make room
		for _, m := range r.miners {
			if jobs := m.jobs(); strings.HasSuffix(jobs, last) {
				m.reads++
			}
		}
		r.after(time.Second)
	}
	for i, m := range r.miners {
		r.wantClosed(i, 0, false)
		if m.reads != 1 {
			t.Errorf("miner %d had the last job %d times, want once", i, m.reads)
		}
	}
}
