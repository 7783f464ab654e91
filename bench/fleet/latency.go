package fleet

import (
	"sync/atomic"
	"time"
)

// Latencies is a histogram with 32 steps per octave: its results are at most 3 % too
// high.
type Latencies struct {
	count [64 * latencySteps]atomic.Uint64
}

const latencySteps = 32

func (l *Latencies) bucket(d time.Duration) int {
	n := uint64(max(d, 1))
	octave := 63
	for n>>octave == 0 {
		octave--
	}
	step := 0
	if octave > 5 {
		step = int(n>>(octave-5)) & (latencySteps - 1)
	}
	return octave*latencySteps + step
}

// Add counts one more.
func (l *Latencies) Add(d time.Duration) { l.count[l.bucket(d)].Add(1) }

func (l *Latencies) reset() {
	for i := range l.count {
		l.count[i].Store(0)
	}
}

// Quantile returns the upper end of the bucket that holds it; 0 if there is none.
func (l *Latencies) Quantile(q float64) time.Duration {
	var total uint64
	for i := range l.count {
		total += l.count[i].Load()
	}
	if total == 0 {
		return 0
	}
	rank := uint64(q * float64(total-1))
	for i := range l.count {
		n := l.count[i].Load()
		if rank < n {
			octave, step := i/latencySteps, i%latencySteps
			width := uint64(1) << octave
			return time.Duration(width + width*uint64(step+1)/latencySteps)
		}
		rank -= n
	}
	return 0
}
