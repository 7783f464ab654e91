package stats

import (
	"time"

	"farmproxy/work"
)

const (
	// windowLength is the time over which a hash rate is averaged: at 6 shares a
	// minute it holds 30, which is right within a fifth most of the time.
	windowLength = 5 * time.Minute

	// bucketLength is the step in which the window moves. Each further bucket costs 4
	// bytes per worker.
	bucketLength  = 30 * time.Second
	bucketSeconds = int64(bucketLength / time.Second)

	// buckets is the number that holds the window plus the part of the oldest bucket
	// that has left it.
	buckets = int(windowLength/bucketLength) + 1
)

// window is the work of the last five minutes.
//
//	 ├──────────────── windowLength ────────────────┤
//	[ oldest |  9  |  8  | ...        |  1  | newest:.. ]
//	 ^ weighted by the fraction still inside           ^ now
//
// So it moves smoothly, not in steps of a bucket. float32 is enough: a bucket would
// have to see 2^24 shares of one size before one was lost.
type window struct {
	slot uint32 // the newest bucket: the books' time / bucketLength
	work [buckets]float32
}

// add counts difficulty at now; anything earlier than the newest bucket counts in that
// bucket.
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
			continue // nothing came since: that bucket's content is older
		}
		d := float64(w.work[slot%uint32(buckets)])
		if age == uint32(buckets)-1 {
			d *= inside
		}
		sum += d
	}
	return sum
}

// hashRate returns H/s over the window, for work that started at since: a window that
// is not full yet is divided by the time elapsed, so that the rate is right from the
// start. Less than a bucket counts as one bucket: otherwise the first share after a
// second would show thirty times the true rate.
func (w *window) hashRate(now, since time.Time) float64 { return rateOf(w.sum(now), now, since) }

// rateOf is hashRate for the sum of several windows.
func rateOf(sum float64, now, since time.Time) float64 {
	return sum * work.HashesPerShare / windowAge(now, since).Seconds()
}

// windowAge returns by what the work of a window is divided.
func windowAge(now, since time.Time) time.Duration {
	return min(max(now.Sub(since), bucketLength), windowLength)
}

func slotAt(t time.Time) uint32 { return uint32(elapsed(t) / bucketLength) }
