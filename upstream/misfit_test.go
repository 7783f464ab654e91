package upstream

import (
	"net/netip"
	"testing"
	"time"
)

// turnedAway returns how often a lane's miners were to be closed.
func (f *farm) turnedAway(l *Lane) (times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.outgrown {
		if o == l {
			times++
		}
	}
	return times
}

// shrink makes a pool leave size bytes to its next links, and ends those it has.
func shrink(p *scripted, size int) {
	p.do(func() { p.size, p.forget = size, true })
	p.lane().Close()
}

// Miners came when there were 8 bytes, and have 2-byte prefixes, which 3 bytes
// have no room for. Whether they are to be closed depends on what else there is.
func TestMinersOfBeforeASmallerPool(t *testing.T) {
	for _, c := range []struct {
		name, pools string
		act         func(f *farm)
		away        bool
	}{
		{"the only pool gives 3 bytes now", "a", func(f *farm) { shrink(f.pools[0], 3) }, true},
		{"it says so in a session", "a", func(f *farm) {
			f.pools[0].do(func() { f.pools[0].size = 3 })
			f.pools[0].lane().say(`{"id":null,"method":"mining.set_extranonce","params":["aabb","3"]}`)
			f.pools[0].lane().say(`{"id":null,"method":"mining.set_extranonce","params":["aabb",3]}`)
		}, true},
		{"it gives 4, which is enough", "a", func(f *farm) { shrink(f.pools[0], 4) }, false},
		{"it is away, and nobody knows what it gives", "a", func(f *farm) {
			f.pools[0].do(func() { f.pools[0].refuse = true })
			f.pools[0].lane().Close()
		}, false},
		{"the backup has room", "a b", func(f *farm) { shrink(f.pools[0], 3) }, false},
		{"the backup has room, and is away", "a b", func(f *farm) {
			f.pools[1].do(func() { f.pools[1].refuse = true })
			f.after(f.goal.failover().ProbeEvery)
			shrink(f.pools[0], 3)
		}, true},
		{"the backup has room, and is looked for", "a b", func(f *farm) {
			f.pools[1].do(func() { f.pools[1].refuse = true })
			f.after(f.goal.failover().ProbeEvery)
			f.pools[1].do(func() { f.pools[1].refuse, f.pools[1].hole = false, true })
			shrink(f.pools[0], 3)
			f.after(patience - 2*time.Second) // with the second that follows, and patience, it is not past
			f.pools[1].do(func() { f.pools[1].hole = false })
			if n := f.turnedAway(f.lane()); n > 0 {
				f.t.Errorf("turned away %d times before the backup was given up", n)
			}
		}, true},
		{"the backup has less, and is away: the main one is waited for", "a b", func(f *farm) {
			f.directory.learn(f.goal.list()[1], 3, 0, true)
			f.pools[0].do(func() { f.pools[0].refuse = true })
			f.pools[1].do(func() { f.pools[1].refuse = true })
			f.after(f.goal.failover().ProbeEvery)
			f.pools[0].lane().Close()
		}, false},
		{"the backup has less, and works", "a b", func(f *farm) {
			f.pools[1].do(func() { f.pools[1].size = 3 })
			f.after(2 * f.goal.failover().ProbeEvery)
			f.pools[0].do(func() { f.pools[0].refuse = true })
			for _, c := range f.pools[0].every() {
				c.Close()
			}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFarm(t, c.pools, func(f *farm) {
				f.o.Failover.Silence = 24 * time.Hour
				f.start()
				l := f.lane()
				c.act(f)
				f.after(time.Second + patience)
				equal(t, "turned away", f.turnedAway(l) > 0, c.away)
			})
		})
	}
}

// At once: the first look after the pool's answer.
func TestMinersAreTurnedAwayAtOnce(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		l := f.lane()
		shrink(f.pools[0], 3)
		f.after(tickSeeking)
		equal(t, "turned away", f.turnedAway(l) > 0, true)
	})
}

// Nobody is turned away from a lane that is served again, and a lane without
// miners has nobody.
func TestNobodyIsTurnedAwayForLong(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		l := f.lane()
		shrink(f.pools[0], 3)
		f.after(time.Second)
		short, _ := f.directory.Prefixes().Take(1)
		f.goal.Join(Member{Prefix: short}) // whose link finds that the pool gives 8 again
		f.after(time.Second)
		for l.members > 0 {
			l.Leave(Prefix{Len: 2})
		}
		f.after(time.Second)
		times := f.turnedAway(l)
		f.after(time.Minute)
		equal(t, "times, without miners", f.turnedAway(l), times)
		shrink(f.pools[0], 8)
		f.after(10 * time.Second)
		f.wantOn("a")
		f.after(time.Minute)
		equal(t, "times, served again", f.turnedAway(l), times)
	})
}

// The miners of a direct pool and those of an agent have lanes of their own.
func TestLanesOfOneAreTurnedAwayToo(t *testing.T) {
	t.Run("direct", func(t *testing.T) {
		inFarm(t, "a", func(f *farm) {
			f.others.Pools[0].Direct = true
			f.start()
			l := f.lane()
			f.after(time.Second)
			shrink(f.pools[0], 3)
			f.after(directTicks * time.Second)
			equal(t, "turned away", f.turnedAway(l) > 0, true)
		})
	})
	t.Run("an agent", func(t *testing.T) {
		inFarm(t, "a", func(f *farm) {
			f.start()
			group, _ := f.directory.Prefixes().TakeGroup(netip.Addr{})
			l := f.goal.JoinGroup(group, netip.Addr{}, "agent")
			f.after(time.Second)
			wantLaneOn(t, l, "a")
			f.pools[0].do(func() { f.pools[0].size, f.pools[0].forget = 4, true })
			for _, c := range f.pools[0].every() {
				c.Close()
			}
			f.after(time.Second)
			equal(t, "turned away", f.turnedAway(l) > 0, true)
			f.wantOn("a") // 4 bytes are enough for the others
		})
	})
}

// A lane that has no link has none for its miners, whatever other lanes have.
func TestALaneIsWithoutAPoolThoughOthersAreNot(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		l := f.lane()
		shrink(f.pools[0], 3)
		f.after(0)
		died := time.Now()
		f.after(time.Second)
		short, _ := f.directory.Prefixes().Take(1)
		other := f.goal.Join(Member{Prefix: short})
		f.after(time.Minute)
		wantLaneOn(t, other, "a")
		_, none := other.without()
		equal(t, "the other one is without", none, false)
		since, none := l.without()
		equal(t, "this one is without", none, true)
		equal(t, "since", since, died)
	})
}
