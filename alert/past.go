package alert

import "time"

// past is what a pool did in the last time.
type past struct {
	shares, blocks, bits window
}

func newPast() *past {
	return &past{
		shares: window{span: 10 * time.Minute},
		blocks: window{span: 6 * time.Hour},
		bits:   window{span: 30 * time.Minute},
	}
}

// add takes a pool's counters at a look.
func (p *past) add(now time.Time, s *Pool) {
	p.shares.add(now, s.Rejected, s.Accepted+s.Rejected)
	p.blocks.add(now, s.ToldLate, s.Told)
	p.bits.add(now, s.BitsReduced, 0)
}

// grain is how many samples a window has at most: it is right within a tenth.
const grain = 10

// window has two counters as they were some time ago: the first counts some of what the
// second counts.
type window struct {
	span    time.Duration
	samples []sample // the oldest first; one before the span
	last    sample
}

type sample struct {
	at        time.Time
	some, all uint64
}

func (w *window) add(now time.Time, some, all uint64) {
	if some < w.last.some || all < w.last.all {
		w.samples = nil // they began again
	}
	w.last = sample{now, some, all}
	if n := len(w.samples); n == 0 || now.Sub(w.samples[n-1].at) >= w.span/grain {
		w.samples = append(w.samples, w.last)
	}
	for len(w.samples) > 1 && now.Sub(w.samples[1].at) >= w.span {
		w.samples = w.samples[1:]
	}
}

// since returns how much was counted within the span.
func (w *window) since() (some, all uint64) {
	if len(w.samples) == 0 {
		return 0, 0
	}
	return w.last.some - w.samples[0].some, w.last.all - w.samples[0].all
}
