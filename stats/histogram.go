package stats

import (
	"sync/atomic"
	"time"
)

// latencyBounds are the upper bounds of a histogram's buckets, in milliseconds: six
// per decade, so that a quantile is right within a fifth; from a pool in the same rack
// to one that is given up.
var latencyBounds = [...]int64{
	1, 2, 3, 5, 7,
	10, 15, 20, 30, 50, 70,
	100, 150, 200, 300, 500, 700,
	1000, 1500, 2000, 3000, 5000, 7000,
	10_000, 15_000, 20_000, 30_000, 60_000,
}

// histogram counts durations. Any goroutine may observe; a reader sees buckets from
// nearly the same instant.
//
// VictoriaMetrics/metrics has one with a mutex, which can only be written out through
// a set of named metrics, and can't be read; this one is summed over links, and
// quantiles are computed from it.
type histogram struct {
	counts [len(latencyBounds) + 1]atomic.Uint64 // the last one is above all bounds
	nanos  atomic.Int64
}

// observe counts d; a negative one as 0.
func (h *histogram) observe(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(latencyBounds) && d > time.Duration(latencyBounds[i])*time.Millisecond {
		i++
	}
	h.counts[i].Add(1)
	h.nanos.Add(int64(d))
}

// Latency is a snapshot of a distribution of durations.
type Latency struct {
	counts [len(latencyBounds) + 1]uint64
	count  uint64
	sum    time.Duration
}

// add adds the counts of h.
func (l *Latency) add(h *histogram) {
	for i := range h.counts {
		n := h.counts[i].Load()
		l.counts[i] += n
		l.count += n
	}
	l.sum += time.Duration(h.nanos.Load())
}

// Count returns the number of durations.
func (l *Latency) Count() uint64 { return l.count }

// Over returns how many durations are longer than a bound, which is taken for the next one of
// a bucket.
func (l *Latency) Over(bound time.Duration) (n uint64) {
	for i := range l.counts {
		if i == len(latencyBounds) || time.Duration(latencyBounds[i])*time.Millisecond > bound {
			n += l.counts[i]
		}
	}
	return n
}

// Mean returns the average duration; 0 if there are none.
func (l *Latency) Mean() time.Duration {
	if l.count == 0 {
		return 0
	}
	return l.sum / time.Duration(l.count)
}

// Quantile returns the duration that a fraction q, 0..1, of all do not exceed,
// interpolated within its bucket; 0 if there are none. Above the last bound (a minute)
// it returns that bound.
func (l *Latency) Quantile(q float64) time.Duration {
	rank := q * float64(l.count)
	var below uint64
	var lower float64 // milliseconds
	for i, bound := range latencyBounds {
		n := l.counts[i]
		if n > 0 && float64(below+n) >= rank {
			inside := (rank - float64(below)) / float64(n)
			ms := lower + (float64(bound)-lower)*inside
			return time.Duration(ms * float64(time.Millisecond))
		}
		below += n
		lower = float64(bound)
	}
	if l.count == 0 {
		return 0
	}
	return time.Duration(lower * float64(time.Millisecond))
}
