package netloop

import (
	"math/rand/v2"
	"testing"
)

// Whoever leaves during a fan-out, every miner that stays gets the job once.
func TestAFanOutReachesEachMinerOnceWhoeverLeaves(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		f := new(feed)
		served := map[*peer]int{}
		for range 1 + random.IntN(20) {
			f.join(new(peer))
		}
		f.begin(0, true, false)
		for f.cursor < len(f.members) {
			for random.IntN(3) == 0 && len(f.members) > f.cursor {
				leaver := f.members[random.IntN(len(f.members))]
				f.leave(leaver)
				delete(served, leaver)
			}
			if f.cursor == len(f.members) {
				break
			}
			m := f.members[f.cursor]
			f.cursor++
			served[m]++
			if random.IntN(4) == 0 { // its write failed
				f.leave(m)
				delete(served, m)
			}
		}
		for i, m := range f.members {
			if int(m.place) != i || served[m] != 1 {
				t.Fatalf("seed %d: member %d thinks it is %d and was served %d times", seed, i, m.place, served[m])
			}
		}
	}
}

// A clean job that is replaced before everyone has it is still clean for those that
// never got it.
func TestANewJobDuringAFanOutStaysClean(t *testing.T) {
	f := new(feed)
	f.join(new(peer))
	f.begin(0, true, false)
	f.begin(0, false, false)
	if !f.clean || f.cursor != 0 {
		t.Errorf("clean %v, cursor %d", f.clean, f.cursor)
	}
	f.busy = false
	f.begin(0, false, false)
	if f.clean {
		t.Error("the next one is clean too")
	}
}

// A fan-out has reached the last member, but does not know it yet.
func TestMembersLeaveAtTheEndOfAFanOut(t *testing.T) {
	f := &feed{}
	members := make([]*peer, 5)
	for i := range members {
		members[i] = new(peer)
		f.join(members[i])
	}
	f.busy, f.cursor = true, len(members)
	f.leave(members[1])
	for i, m := range f.members {
		if int(m.place) != i {
			t.Errorf("member %d thinks it is %d", i, m.place)
		}
	}
}
