package netloop

import (
	"slices"
	"testing"
	"time"
)

// Turns of one loop: when each ends (in µs), how many shares it hands on, how many
// verdicts it receives, how many other loops' shares fly on its links, and whether a
// rest follows.
func TestWhenALoopRests(t *testing.T) {
	type turn struct {
		at, shares, verdicts, flying int
		rests                        bool
	}
	f := func(what string, turns ...turn) {
		t.Helper()
		var r rhythm
		for i, x := range turns {
			now := time.Duration(x.at) * time.Microsecond
			if got := r.ends(x.shares, x.verdicts, x.flying, now); got != x.rests {
				t.Errorf("%s: turn %d is followed by a rest: %v, want %v", what, i+1, got, x.rests)
			}
			if x.rests {
				r.rest(now, false)
			}
		}
	}
	f("nothing was handed on", turn{0, 0, 0, 0, false}, turn{100, 0, 3, 0, false})
	f("a pool that answers at once: awake until its verdicts are there",
		turn{0, 4, 0, 0, false}, turn{200, 0, 4, 0, true}, turn{5000, 4, 0, 0, false}, turn{5200, 0, 4, 0, true})
	f("verdicts in two parts", turn{0, 4, 0, 0, false}, turn{200, 0, 3, 0, false}, turn{300, 0, 1, 0, true})
	f("another share while it waits", turn{0, 4, 0, 0, false}, turn{200, 1, 3, 0, false}, turn{300, 0, 2, 0, true})
	f("other loops' shares on its links",
		turn{0, 4, 0, 4, false}, turn{200, 0, 4, 3, false}, turn{300, 0, 0, 0, true})
	f("one verdict takes long, so the next rest comes at once, and the one after it waits again",
		turn{0, 4, 0, 0, false}, turn{200, 0, 3, 0, false}, turn{2000, 0, 0, 0, true},
		turn{5000, 2, 0, 0, true}, turn{10000, 2, 0, 0, false}, turn{10200, 0, 5, 0, true})
	f("verdicts alone bring no rest where the pool is far",
		turn{0, 4, 0, 0, false}, turn{2000, 4, 0, 0, true}, turn{5000, 0, 4, 0, false}, turn{5100, 4, 0, 0, true})
	f("verdicts of shares from before it was looked at", turn{0, 0, 9, 0, false}, turn{100, 1, 0, 0, false}, turn{200, 0, 1, 0, true})
}

// A pool that answers within 20 ms: of the rests, ever fewer are preceded by a wait for
// verdicts, one in sixteen in the end, until one is successful.
func TestALoopWaitsRarelyForAPoolFarAway(t *testing.T) {
	var r rhythm
	var waits []int // the numbers of the turns that waited
	now := time.Duration(0)
	for n := range 100 {
		now += beat
		if !r.ends(1, 0, 0, now) {
			waits = append(waits, n)
			if now += beat * 2; !r.ends(1, 0, 0, now) {
				t.Fatalf("turn %d: it still waits", n)
			}
		}
		r.rest(now, false)
	}
	if want := []int{0, 2, 6, 14, 30, 46, 62, 78, 94}; !slices.Equal(waits, want) {
		t.Errorf("turns %v waited, want %v", waits, want)
	}
	for range 16 { // all verdicts arrive
		r.ends(1, 1000, 0, now)
		r.rest(now, false)
	}
	if r.ends(1, 0, 0, now); !r.near() {
		t.Errorf("the pool answers at once, and the next rest comes without a wait")
	}
}

// Rests end at the same moments on all loops, and are shorter if shares come fast.
func TestHowLongALoopRests(t *testing.T) {
	f := func(what string, shares int, carries bool, every, at, want time.Duration) {
		t.Helper()
		var r rhythm
		now := at - 100*every
		for ; now < at; now += every {
			r.ends(shares, shares, 0, now)
			r.rest(now, carries)
		}
		r.ends(shares, shares, 0, now)
		if got := r.rest(now, carries); got != want {
			t.Errorf("%s: a rest of %v, want %v", what, got, want)
		}
	}
	const at = 1000 * beat
	f("few shares", 4, false, beat, at+beat/3, beat-beat/3)
	f("a loop that carries links is later", 4, true, beat, at+beat/3, beat-beat/3+lag)
	f("at the beat itself", 4, false, beat, at, beat)
	f("twice as many as are to gather in a beat", 2*turnShares, false, beat, at+beat/8, beat/2-beat/8)
	f("very many", 100*turnShares, false, beat, at+beat/8, beat/8)
	f("and it is not as late", 100*turnShares, true, beat, at+beat/8, beat/8+lag/4)
	f("so few that none would gather", 1, false, 2*lonely, at, 0)
}
