package session

import (
	"math"
	"time"

	"farmproxy/work"
)

// Policy is how the share rate of each miner is held. Difficulties as in the
// configuration; Max 0 leaves only the pool's difficulty as upper bound.
type Policy struct {
	Start           float64
	Min             float64
	Max             float64
	SharesPerMinute float64
}

const (
	// vardiffShares is how many shares a judgement takes. The square root of
	// 12 is 3.5, so that a miner at its right difficulty is judged wrong by a
	// factor of 2 once in a thousand times.
	vardiffShares = 12

	// vardiffStep is the smallest change worth a message, as a factor.
	vardiffStep = 2
)

// vardiff finds the difficulty at which a miner hands in Policy.SharesPerMinute.
// It adds up the work of a window, so that shares of different difficulties
// count right.
type vardiff struct {
	told  float64       // what it was last told; 0: nothing yet
	since time.Duration // when the window began

	want   float32 // what the miner should have, unbounded; 0: nothing known yet
	floor  float32 // BIP 310 minimum-difficulty of the miner, as it was granted; 0 none
	work   float32 // handed in since, in shares of difficulty 1
	shares uint32  // handed in since
}

// start begins the first window: the miner has its first job.
func (v *vardiff) start(now time.Duration) {
	v.since, v.work, v.shares = now, 0, 0
}

// resume takes over what was known of the miner before it disconnected. It has
// to be told again.
func (v *vardiff) resume(old *vardiff) {
	if v.want == 0 {
		v.want = old.want
	}
	v.floor = max(v.floor, old.floor)
}

// suggest takes a difficulty that the miner named itself.
func (v *vardiff) suggest(now time.Duration, d float64) {
	v.want = upper32(d)
	v.start(now)
}

// share counts a share of difficulty d.
func (v *vardiff) share(now time.Duration, d float64, p *Policy) {
	v.work += float32(d)
	if v.shares++; v.shares >= vardiffShares {
		v.judge(now, p)
	}
}

// tick judges a miner whose shares are too few to be judged by share. It
// reports whether the difficulty that it should have changed.
func (v *vardiff) tick(now time.Duration, p *Policy) bool {
	if now-v.since < time.Duration(vardiffShares/p.SharesPerMinute*float64(time.Minute)) {
		return false
	}
	before := v.want
	v.judge(now, p)
	return v.want != before
}

// judge ends the window and sets what the miner should have.
func (v *vardiff) judge(now time.Duration, p *Policy) {
	minutes := max((now - v.since).Minutes(), 1.0/60)
	handedIn := float64(v.work)
	if v.shares == 0 {
		handedIn = v.told / 2 // half a share: the best guess from none
	}
	ideal := handedIn / minutes / p.SharesPerMinute
	// The nearest power of two, judged by the logarithm.
	ideal = math.Exp2(math.Round(math.Log2(ideal)))
	if ideal >= v.told*vardiffStep || ideal <= v.told/vardiffStep {
		v.want = float32(ideal)
	}
	v.start(now)
}

// next returns the difficulty that the miner should be told: a power of two
// within the bounds, never above the pool's; the pool's itself where that has
// to be.
func (v *vardiff) next(f *Feed, prefix uint16, p *Policy) float64 {
	pool := f.Difficulty
	if f.last != nil && f.last.Own != nil {
		return f.last.DifficultyFor(prefix) // the pool's own vardiff: it comes with the job
	}
	if f.exact() && pool > 0 {
		return pool
	}
	want := float64(v.want)
	if want == 0 {
		want = p.Start
	}
	high := math.Inf(1)
	if p.Max > 0 {
		high = p.Max
	}
	if pool > 0 {
		high = min(high, pool)
	}
	return powerWithin(want, max(p.Min, float64(v.floor)), high)
}

// powerWithin returns the power of two from low to high that is wanted. It is no
// less than want, since who names a difficulty means at least that, unless that
// is above high. Where there is none it is high itself. low gives way to high: a
// miner with more than the pool's difficulty would keep shares from it.
func powerWithin(want, low, high float64) float64 {
	if d := work.CeilPowerOfTwo(max(want, low)); d <= high {
		return d
	}
	if d := work.FloorPowerOfTwo(high); d >= low || low > high {
		return d
	}
	return high
}

// keeps reports that a miner can have the floor that it asks for, as far as the
// bounds are known.
func (p *Policy) keeps(floor float64, f *Feed) bool {
	return (p.Max == 0 || floor <= p.Max) && (f == nil || f.Difficulty == 0 || floor <= f.Difficulty)
}
