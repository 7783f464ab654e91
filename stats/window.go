package stats

import (
	"time"

	"farmproxy/work"
)

const (
	// windowLength is what a hash rate is an average over: at 6 shares a minute
	// it holds 30 of them, which is right within a fifth most of the time.
	windowLength = 5 * time.Minute

	// bucketLength is how finely the window moves. Finer costs 4 bytes of every
	// worker for each bucket.
	bucketLength  = 30 * time.Second
	bucketSeconds = int64(bucketLength / time.Second)

	// buckets hold the window and the part of the oldest bucket that has left it.
	buckets = int(windowLength/bucketLength) + 1
)

// window is the work of the last five minutes.
//
//	 ├──────────────── windowLength ────────────────┤
//	[ oldest |  9  |  8  | ...        |  1  | newest:.. ]
//	 ^ counted by the share of it that is still inside ^ now
//
// So it moves smoothly, not in steps of a bucket. float32 is enough: a bucket
// would have to see 2^24 shares of one size before one got lost.
type window struct {
	slot uint32 // the newest bucket: the books' time / bucketLength
	work [buckets]float32
}

// add counts difficulty at now; what came before the newest bucket counts into
// that one.
func (w *window) add(now time.Time, difficulty float64) {
	if slot := slotAt(now); slot > w.slot {
		for range min(slot-w.slot, uint32(buckets)) {
			w.slot++
			w.work[w.slot%uint32(buckets)] = 0
		}
		w.slot = slot
	}
	w.work[w.slot%uint32(buckets)] += float32(difficulty)
}

// sum returns the work of the last windowLength before now.
func (w *window) sum(now time.Time) (sum float64) {
	newest := max(slotAt(now), w.slot)
	inside := 1 - (elapsed(now)%bucketLength).Seconds()/bucketLength.Seconds()
	for age := uint32(0); age < uint32(buckets); age++ {
		slot := newest - age
		if slot > w.slot {
			continue // nothing came since: what stands there is older
		}
		d := float64(w.work[slot%uint32(buckets)])
		if age == uint32(buckets)-1 {
			d *= inside
		}
		sum += d
	}
	return sum
}

// hashRate returns H/s over the window, for one whose work began at since: a
// window that is not full yet is divided by what there is of it, so that the
// rate is right from the start. Less than a bucket counts as one bucket: the
// first share after a second would be thirty times the truth.
func (w *window) hashRate(now, since time.Time) float64 { return rateOf(w.sum(now), now, since) }

// rateOf is hashRate for work that several windows have between them.
func rateOf(sum float64, now, since time.Time) float64 {
	age := min(max(now.Sub(since), bucketLength), windowLength)
	return sum * work.HashesPerShare / age.Seconds()
}

func slotAt(t time.Time) uint32 { return uint32(elapsed(t) / bucketLength) }
