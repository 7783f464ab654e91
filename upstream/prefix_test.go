package upstream

import (
	"path/filepath"
	"testing"
	"time"
)

func take(t *testing.T, f *farm, length int) Prefix {
	t.Helper()
	p, ok := f.directory.Prefixes().Take(length)
	if !ok {
		t.Fatal("no prefix is left")
	}
	return p
}

func TestPrefixesAreUnique(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.o.FirstPrefix = 0xfffe
		f.start()
		equal(t, "the first", take(t, f, 2), Prefix{Value: 0xfffe, Len: 2})
		seen := map[Prefix]bool{{Value: 0xfffe, Len: 2}: true}
		for range 1<<16 - 1 {
			p := take(t, f, 2)
			if seen[p] || p.Group != 0 {
				t.Fatalf("%v twice, or of another group", p)
			}
			seen[p] = true
		}
	})
}

func TestUsedUpGroup(t *testing.T) {
	for _, q := range []struct{ length, size int }{{1, 1 << 8}, {2, 1 << 16}} {
		inFarm(t, "a", func(f *farm) {
			f.start()
			for range q.size {
				take(t, f, q.length)
			}
			last := take(t, f, q.length)
			first := Prefix{Group: last.Group - 1, Value: last.Value, Len: uint8(q.length)}
			if f.goal.Join(Member{Prefix: first}) == f.goal.Join(Member{Prefix: last}) {
				t.Error("two groups share a lane")
			}
			f.after(0)
			equal(t, "job of the new group's lane", f.goal.Join(Member{Prefix: last}).Latest().Job != nil, true)
		})
	}
}

func TestLengthsShareNoLane(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		if f.goal.Join(Member{Prefix: take(t, f, 1)}) == f.goal.Join(Member{Prefix: take(t, f, 2)}) {
			t.Error("prefixes of both lengths on one lane")
		}
	})
}

func TestReleasedPrefixRests(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		p, lane := f.directory.Prefixes(), f.lane()
		first, second := take(t, f, 2), take(t, f, 2)
		p.Release(second, lane)
		p.Release(first, lane)
		equal(t, "before any job", take(t, f, 2).Value, 2)
		f.pools[0].last().job(false)
		f.after(0)
		equal(t, "after a job that is not clean", take(t, f, 2).Value, 3)
		f.pools[0].last().job(true)
		f.after(0)
		p.Release(Prefix{Value: 2, Len: 2}, lane)
		equal(t, "after a clean job", take(t, f, 2), second) // the one given back first
		equal(t, "and the other", take(t, f, 2), first)
		equal(t, "but not the one in quarantine", take(t, f, 2).Value, 4)
	})
}

// A miner that has moved leaves its prefix behind in every lane that it worked
// on: nobody else gets it before each of them had a clean job.
func TestPrefixRestsWithEveryLane(t *testing.T) {
	inAccounts(t, "a b", func(f *farm) {
		f.set("ann a anna", "bob b robert")
		p := f.directory.Prefixes()
		x, _ := p.Take(2)
		ann, bob := f.join("ann", x.Value), f.join("bob", x.Value)
		f.join("ann", 99)
		f.join("bob", 98) // both lanes stay
		ann.Leave(x)
		ann.Leave(f.login("ann").Join(Member{Prefix: x}).key) // it was back for a moment
		bob.Leave(x)
		p.Release(x, bob)
		clean := func(pool int) {
			f.pools[pool].last().job(true)
			f.after(time.Second)
		}
		free := func() (free bool) {
			next, _ := p.Take(2)
			p.Release(next, nil)
			return next == x
		}
		equal(t, "free before any clean job", free(), false)
		clean(1)
		equal(t, "free after one", free(), false)
		clean(1)
		equal(t, "free after two of the same lane", free(), false)
		clean(0)
		y, _ := p.Take(2)
		z, _ := p.Take(2)
		equal(t, "free after one of each", y == x || z == x, true)
		equal(t, "in quarantine", len(p.held), 0)
	})
}

// A miner that comes back while its prefix is in quarantine keeps it.
func TestRestingPrefixStaysWithItsMiner(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		x := take(t, f, 2)
		l := f.goal.Join(Member{Prefix: x})
		l.Leave(x)
		f.goal.Join(Member{Prefix: x})
		f.pools[0].last().job(true)
		f.after(0)
		for range 10 {
			if take(t, f, 2) == x {
				t.Error("a prefix has two miners")
			}
		}
	})
}

func TestPrefixThatNobodyWorkedWithNeedsNoQuarantine(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].refuse = true
		f.start()
		p := take(t, f, 2)
		f.directory.Prefixes().Release(p, f.lane())
		equal(t, "of a lane without a job", take(t, f, 2), p)
		f.directory.Prefixes().Release(p, nil)
		equal(t, "of no lane", take(t, f, 2), p)
	})
}

func TestRestingPrefixesAreNotHandedOutWhenAllAreUsed(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		p := f.directory.Prefixes()
		var last Prefix
		for range 1 << 8 {
			last = take(t, f, 1)
		}
		lane := f.goal.Join(Member{Prefix: last})
		f.after(0)
		p.Release(Prefix{Group: 1, Value: 7, Len: 1}, lane)
		equal(t, "group", take(t, f, 1).Group, 2)
		for _, c := range f.pools[0].every() {
			c.job(true)
		}
		f.after(0)
		equal(t, "after its quarantine", take(t, f, 1), Prefix{Group: 1, Value: 7, Len: 1})
	})
}

// With 1-byte prefixes the number of links is what bounds the miners.
func TestLinksAreBounded(t *testing.T) {
	f := newFarm(t, "a")
	f.others.Pools[0].Links = 64
	f.open()
	n := 0
	for ; ; n++ {
		p, ok := f.directory.Prefixes().Take(1)
		if !ok {
			break
		}
		f.goal.Join(Member{Prefix: p})
	}
	equal(t, "miners", n, maxGroups*256)
	equal(t, "lanes", len(f.goal.lanes), maxGroups+63)

	f.open()
	for group := range uint32(maxGroups) {
		for value := range uint16(64) {
			f.goal.Join(Member{Prefix: Prefix{Group: group, Value: value, Len: 2}})
		}
	}
	equal(t, "lanes with 2-byte prefixes", len(f.goal.lanes), maxLinks)
}

func TestShape(t *testing.T) {
	for _, q := range []struct {
		name                string
		sizes               []int // 0: not known
		prefix, extranonce2 int
	}{
		{"nothing known", []int{0, 0}, 2, 2},
		{"all large", []int{8, 6}, 2, 4},
		{"one unknown", []int{8, 0}, 2, 2},
		{"one of 5", []int{8, 5}, 2, 3},
		{"one of 3", []int{8, 3}, 1, 2},
		{"unknown and 3", []int{0, 3}, 1, 2},
		{"one that can't be shared is passed over", []int{8, 2}, 2, 4},
	} {
		f := newFarm(t, "a b")
		f.open()
		for i, size := range q.sizes {
			if size > 0 {
				f.directory.learn(f.goal.list()[i], size, 0, true)
			}
		}
		prefix, extranonce2 := f.directory.Shape()
		equal(t, q.name+": prefix", prefix, q.prefix)
		equal(t, q.name+": extranonce2", extranonce2, q.extranonce2)
	}
}

func TestMask(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.pools[0].refuse = true
		f.pools[1].mask = "00c00000"
		f.o.StateFile = filepath.Join(t.TempDir(), "pools.json")
		f.open()
		equal(t, "nothing known", f.directory.Mask(""), maskDefault)
		f.directory.learn(f.goal.list()[0], 8, 0x1fffe000, true)
		f.directory.learn(f.goal.list()[1], 8, 0x00e00000, true)
		equal(t, "remembered", f.directory.Mask(""), 0x1fffe000)
		f.start()
		equal(t, "the pool's in use", f.directory.Mask(""), 0x00c00000)
	})
}
