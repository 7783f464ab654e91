//go:build !race

package netloop

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"farmproxy/upstream"
	"farmproxy/work"
)

// lot is a loop whose miners' sessions are parked for a minute.
type lot struct {
	*loop
	t testing.TB
}

func newLot(t testing.TB) *lot {
	l := &lot{newBenchLoop(t, 10), t}
	l.set(func(o *Settings) { o.ResumeWindow = time.Minute })
	return l
}

// leave ends a miner's connection.
func (l *lot) leave(p *peer) { l.remove(p) }

// resume connects and asks for the earlier session.
func (l *lot) resume(of *peer) *peer {
	l.t.Helper()
	p := l.add(&socket{}, &listener{})
	l.read(p, fmt.Appendf(nil, `{"id":2,"method":"mining.subscribe","params":["x","%016x"]}`+"\n"+
		`{"id":3,"method":"mining.authorize","params":["farm.rig","x"]}`+"\n", of.session.ID()))
	if !p.session.IsAuthorized() {
		l.t.Fatal("the miner was not let in")
	}
	return p
}

// A session belongs to one miner: another that sends the same id while it is in use is
// new.
func TestAParkedSessionIsResumedOnce(t *testing.T) {
	l := newLot(t)
	p := l.join(t, 0)
	l.leave(p)
	first, second := l.resume(p), l.resume(p)
	if first.prefix != p.prefix || first.session.ID() != p.session.ID() {
		t.Errorf("the miner has prefix %v, session %x", first.prefix, first.session.ID())
	}
	if second.prefix == p.prefix || second.session.ID() == p.session.ID() {
		t.Errorf("two miners have prefix %v, session %x", p.prefix, p.session.ID())
	}
	if n := l.counts.Resumed.Load(); n != 1 {
		t.Errorf("%d are resumed", n)
	}
}

// A session that was resumed and parked again is kept for the whole window: its first
// expiry does not apply.
func TestAParkedSessionIsKeptForItsOwnWindow(t *testing.T) {
	l := newLot(t)
	k := &l.server.parked
	p := l.join(t, 0)
	l.leave(p) // until 1m
	p = l.resume(p)
	l.env.Now += 40 * time.Second
	l.leave(p) // until 1m40s
	k.expire(l.env.Now + 30*time.Second)
	if len(k.byID) != 1 {
		t.Fatal("it is gone with the first one's window")
	}
	if x := take(t, l); x == p.prefix {
		t.Fatal("another miner may have its prefix")
	}
	back := l.resume(p)
	if back.prefix != p.prefix {
		t.Errorf("the miner has prefix %v, want %v", back.prefix, p.prefix)
	}
	l.leave(back)
	k.expire(l.env.Now + time.Minute)
	if len(k.byID) != 0 || len(k.queue.list) != 0 {
		t.Errorf("%d are kept after the window, %d in the queue", len(k.byID), len(k.queue.list))
	}
}

func take(t *testing.T, l *lot) upstream.Prefix {
	t.Helper()
	x, ok := l.server.directory.Prefixes().Take(2)
	if !ok {
		t.Fatal("there is no prefix")
	}
	return x
}

// A resumed session knows what it knew when it was parked, including its times.
func TestAParkedSessionIsWhatItWas(t *testing.T) {
	l := newLot(t)
	l.env.Now = time.Hour
	p := l.join(t, 0)
	before := p.session.State(0)
	l.env.Now += time.Minute
	l.leave(p)
	l.env.Now += time.Second
	parked, ok := l.server.parked.resume(p.session.ID())
	if back := parked.session(); !ok || back.State(0) != before {
		t.Errorf("it was %+v, is %+v", before, back.State(0))
	}
}

// The headers of all parked sessions together are bounded: a session that would exceed
// the bound is not kept, and its prefix is quarantined.
func TestParkedSessionsShareABound(t *testing.T) {
	l := newLot(t)
	k := &l.server.parked
	p, next := l.join(t, 0), l.join(t, 1)
	job := newBenchJob(1)
	job.Difficulty = 1e-12 // that any hash meets
	l.post(&upstream.Post{Lane: p.feed.lane, Job: job, Clean: true, Mask: 0x1fffe000, Difficulty: job.Difficulty})
	l.fanOut()
	for i, m := range []*peer{p, next} {
		l.read(m, fmt.Appendf(nil, `{"id":4,"method":"mining.submit","params":["farm.rig%07d","1","0000","66a1b2d0","00000001"]}`+"\n", i))
	}
	l.judge()
	if p.session.Slots() == 0 {
		t.Fatal("no share is remembered")
	}
	others := maxParkedSlots - p.session.Slots()
	k.slots = others
	l.leave(p)
	if len(k.byID) != 1 || k.slots != maxParkedSlots {
		t.Errorf("%d are parked, with %d slots", len(k.byID), k.slots)
	}
	l.leave(next)
	if len(k.byID) != 1 || k.slots != maxParkedSlots {
		t.Errorf("beyond the bound %d are parked, with %d slots", len(k.byID), k.slots)
	}
	l.resume(p)
	if k.slots != others {
		t.Errorf("%d slots are counted after it is resumed, want %d", k.slots, others)
	}
}

// A verdict that comes after its miner has left is not delivered to the miner that has
// its slot now, nor is a share with a slow hash.
func TestAVerdictIsForTheMinerOfTheShareOnly(t *testing.T) {
	l := newLot(t)
	gone := l.join(t, 0)
	cookie := l.cookie(gone)
	l.leave(gone)
	next := l.join(t, 1)
	if _, _, slot := splitCookie(cookie); slot != next.slot {
		t.Fatal("the next miner has another place")
	}
	before := l.counts.BytesOut.Load()
	l.verdict(&upstream.Verdict{Cookie: cookie, Worker: l.server.book.Worker("farm.rig0000000"), Job: newBenchJob(1), Verdict: work.Accepted, Work: 1024})
	l.hashed(&hashed{cookie: cookie})
	if sent := l.counts.BytesOut.Load() - before; sent != 0 {
		t.Errorf("the next miner was sent %d bytes", sent)
	}
	if n := l.counts.Verdicts[work.Accepted].Load(); n != 1 {
		t.Errorf("the verdict is counted %d times", n)
	}
	l.verdict(&upstream.Verdict{Cookie: l.cookie(next), Worker: l.server.book.Worker("farm.rig0000001"), Job: newBenchJob(1), Verdict: work.Accepted, Work: 1024})
	if l.counts.BytesOut.Load() == before {
		t.Error("the next miner is not told its own")
	}
}

// A lane's id is passed on to the miners' memory of headers.
func TestAFeedIsItsLanes(t *testing.T) {
	l := newLot(t)
	f := l.join(t, 0).feed
	goal := f.lane.Goal()
	group, _ := l.server.directory.Prefixes().TakeGroup(netip.Addr{})
	other := l.feed(goal.JoinGroup(group, netip.Addr{}, "agent"))
	if f.Lane != f.lane.ID() || other.Lane != other.lane.ID() || f.Lane == other.Lane || f.Lane == 0 {
		t.Errorf("lanes %d and %d have feeds of lanes %d and %d", f.lane.ID(), other.lane.ID(), f.Lane, other.Lane)
	}
}

// Miners that come and go without a share hold few prefixes; those of miners that
// worked are kept, however many of the others come.
func TestParkedSessionsOfMinersThatNeverWorked(t *testing.T) {
	l := newBenchLoop(t, 1)
	l.set(func(o *Settings) { o.ResumeWindow = patience })
	worked := l.join(t, 0)
	worked.marks |= earned
	id := worked.session.ID()
	l.remove(worked)
	most := uint16(0)
	for i := range 4 * maxParkedFresh {
		p := l.join(t, 1+i)
		most = max(most, p.prefix.Value)
		l.remove(p)
	}
	if most > 2*maxParkedFresh {
		t.Errorf("the last has prefix %d; %d may be held back", most, maxParkedFresh)
	}
	if _, ok := l.server.parked.resume(id); !ok {
		t.Error("the session of the miner that had worked is gone")
	}
}

// A miner that came and went again and again pushed the sessions of all others out, as if
// it had as many.
func TestAMinerThatComesAndGoesParksOneSession(t *testing.T) {
	l := newLot(t)
	k := &l.server.parked
	other, p := l.join(t, 0), l.join(t, 1)
	l.leave(other)
	for range 3 * maxParkedFresh {
		l.env.Now++
		l.leave(p)
		p = l.resume(p)
	}
	if n := len(k.fresh.list); n > 2*maxParkedFresh {
		t.Errorf("%d ids wait in the queue", n)
	}
	if back := l.resume(other); back.session.ID() != other.session.ID() || k.fresh.kept != 0 {
		t.Errorf("the other miner has session %x instead of %x, and %d are parked", back.session.ID(), other.session.ID(), k.fresh.kept)
	}
}
