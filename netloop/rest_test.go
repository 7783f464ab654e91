package netloop

import (
	"testing"
	"time"
)

// Turns of one loop: when each ends (in µs), how many shares it hands on, how many
// verdicts it receives, and whether a rest follows.
func TestWhenALoopRests(t *testing.T) {
	type turn struct {
		at, shares, verdicts int
		rests                bool
	}
	f := func(what string, turns ...turn) {
		t.Helper()
		var r rhythm
		for i, x := range turns {
			now := time.Duration(x.at) * time.Microsecond
			if got := r.ends(x.shares, x.verdicts, now); got != x.rests {
				t.Errorf("%s: turn %d is followed by a rest: %v, want %v", what, i+1, got, x.rests)
			}
			if x.rests {
				r.rest(now)
			}
		}
	}
	f("nothing was handed on", turn{0, 0, 0, false}, turn{100, 0, 3, false})
	f("a pool that answers at once: awake until its verdicts are there",
		turn{0, 4, 0, false}, turn{200, 0, 4, true}, turn{3000, 4, 0, false}, turn{3200, 0, 4, true})
	f("verdicts in two parts", turn{0, 4, 0, false}, turn{200, 0, 3, false}, turn{300, 0, 1, true})
	f("one of them takes long, so the others gather",
		turn{0, 4, 0, false}, turn{200, 0, 3, false}, turn{1300, 0, 0, true}, turn{3000, 2, 0, true}, turn{6000, 2, 0, true})
	f("a pool far away: a rest at once",
		turn{0, 4, 0, false}, turn{1500, 4, 0, true}, turn{3000, 4, 0, true}, turn{6000, 4, 4, true})
	f("verdicts alone bring no rest where the pool is far", turn{0, 4, 0, false}, turn{1500, 4, 0, true}, turn{3100, 0, 4, false})
	f("it has become faster", turn{0, 4, 0, false}, turn{1500, 4, 0, true}, turn{3100, 0, 8, false}, turn{6000, 4, 0, false}, turn{6200, 0, 4, true})
	f("verdicts of shares from before it was looked at", turn{0, 0, 9, false}, turn{100, 1, 0, false}, turn{200, 0, 1, true})
}

// Rests end at the same moments on all loops, and are shorter if shares come fast.
func TestHowLongALoopRests(t *testing.T) {
	f := func(what string, shares int, every, at, want time.Duration) {
		t.Helper()
		var r rhythm
		now := at - 100*every
		for ; now < at; now += every {
			r.ends(shares, shares, now)
			r.rest(now)
		}
		r.ends(shares, shares, now)
		if got := r.rest(now); got != want {
			t.Errorf("%s: a rest of %v, want %v", what, got, want)
		}
	}
	const at = 1000 * beat
	f("few shares", 4, beat, at+beat/3, beat-beat/3)
	f("at the beat itself", 4, beat, at, beat)
	f("twice as many as are to gather in a beat", 2*turnShares, beat, at+beat/8, beat/2-beat/8)
	f("very many", 100*turnShares, beat, at+beat/8, beat/8)
	f("so few that none would gather", 1, 2*lonely, at, 0)
}
