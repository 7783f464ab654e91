package session

import (
	"math"
	"time"

	"farmproxy/work"
)

// Policy says how each miner's share rate is controlled. Difficulties are as in the
// configuration; with Max 0, only the pool's difficulty is an upper bound.
type Policy struct {
	Start           float64
	Min             float64
	Max             float64
	SharesPerMinute float64
}

const (
	// vardiffShares is how many shares a judgement needs. The square root of 12 is
	// 3.5, so a miner at its right difficulty is judged wrong by a factor of 2 once in
	// a thousand times.
	vardiffShares = 12

	// vardiffStep is the smallest change, as a factor, that is worth a message.
	vardiffStep = 2
)

// vardiff finds the difficulty at which a miner sends Policy.SharesPerMinute. It adds
// up the work of a window, so that shares of different difficulties are weighted
// correctly.
type vardiff struct {
	told   float64 // last told to the miner; 0: nothing yet
	since  moment  // when the window began
	work   float32 // submitted since then, in shares of difficulty 1
	floor  float32 // the miner's BIP 310 minimum-difficulty, as granted; 0 none
	want   power   // ideal difficulty, unbounded; 0: not known yet
	shares uint8   // submitted since the window began
}

// start starts the first window: the miner has its first job.
func (v *vardiff) start(now time.Duration) {
	v.since, v.work, v.shares = momentOf(now), 0, 0
}

// resume takes over what was known of the miner before it disconnected. The miner has
// to be told again.
func (v *vardiff) resume(old *vardiff) {
	if v.want == 0 {
		v.want = old.want
	}
	v.floor = max(v.floor, old.floor)
}

// suggest takes a difficulty requested by the miner.
func (v *vardiff) suggest(now time.Duration, d float64) {
	v.want = powerOf(d)
	v.start(now)
}

// share counts a share of difficulty d.
func (v *vardiff) share(now time.Duration, d float64, p *Policy) {
	v.work += float32(d)
	if v.shares++; v.shares >= vardiffShares {
		v.judge(now, p)
	}
}

// tick judges a miner with too few shares for share to do so. It reports whether its
// ideal difficulty changed.
func (v *vardiff) tick(now time.Duration, p *Policy) bool {
	if now-v.since.time() < time.Duration(vardiffShares/p.SharesPerMinute*float64(time.Minute)) {
		return false
	}
	before := v.want
	v.judge(now, p)
	return v.want != before
}

// judge ends the window and sets the ideal difficulty.
func (v *vardiff) judge(now time.Duration, p *Policy) {
	minutes := max((now - v.since.time()).Minutes(), 1.0/60)
	handedIn := float64(v.work)
	if v.shares == 0 {
		handedIn = v.told / 2 // half a share: the best guess from none
	}
	ideal := handedIn / minutes / p.SharesPerMinute
	// The nearest power of two, judged by the logarithm.
	ideal = math.Exp2(math.Round(math.Log2(ideal)))
	if ideal >= v.told*vardiffStep || ideal <= v.told/vardiffStep {
		v.want = powerOf(ideal)
	}
	v.start(now)
}

// next returns the difficulty to tell the miner: a power of two within the bounds,
// never above the pool's; the pool's own if it must be exact.
func (v *vardiff) next(f *Feed, prefix uint16, p *Policy) float64 {
	pool := f.Difficulty
	if f.last != nil && f.last.Own != nil {
		return f.last.DifficultyFor(prefix) // the pool's own vardiff: it comes with the job
	}
	if f.exact() && pool > 0 {
		return pool
	}
	want := v.want.value()
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

// powerWithin returns the power of two between low and high that suits want: no less
// than want, since a requested difficulty is a minimum, unless that exceeds high. If
// there is none between them it returns high itself. low gives way to high: a miner
// above the pool's difficulty would withhold shares from the pool.
func powerWithin(want, low, high float64) float64 {
	if d := work.CeilPowerOfTwo(max(want, low)); d <= high {
		return d
	}
	if d := work.FloorPowerOfTwo(high); d >= low || low > high {
		return d
	}
	return high
}

// keeps reports whether a miner can have the minimum difficulty that it asks for, as
// far as the bounds are known.
func (p *Policy) keeps(floor float64, f *Feed) bool {
	return (p.Max == 0 || floor <= p.Max) && (f == nil || f.Difficulty == 0 || floor <= f.Difficulty)
}
