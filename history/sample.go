package history

import "farmproxy/work"

// Sample is what was done in a step: of a worker, or the sum over several.
type Sample struct {
	Work     float64 // accepted, in shares of difficulty 1
	Accepted uint64  // shares
	Rejected uint64
	Up       uint64 // seconds that workers were up, of all of them together
	Seconds  uint64 // that were watched
}

// Add adds what another step, or another series, did.
func (s *Sample) Add(o Sample) {
	s.Work += o.Work
	s.Accepted += o.Accepted
	s.Rejected += o.Rejected
	s.Up += o.Up
	s.Seconds += o.Seconds
}

// HashRate returns H/s over the watched time; 0 where there is none.
func (s Sample) HashRate() float64 { return s.over(s.Seconds) }

// WhileUp returns H/s over the time in which a worker was up; 0 where there is none.
func (s Sample) WhileUp() float64 { return s.over(s.Up) }

func (s Sample) over(seconds uint64) float64 {
	if seconds == 0 {
		return 0
	}
	return s.Work * work.HashesPerShare / float64(seconds)
}

// Workers returns how many workers were up, on average, of a pool, a group or the farm.
func (s Sample) Workers() float64 {
	if s.Seconds == 0 {
		return 0
	}
	return float64(s.Up) / float64(s.Seconds)
}

// Uptime returns the fraction of the watched time in which a worker was up, 0 to 1;
// false: nobody watched.
func (s Sample) Uptime() (fraction float64, ok bool) {
	if s.Seconds == 0 {
		return 0, false
	}
	return min(1, float64(s.Up)/float64(s.Seconds)), true
}

// Efficiency returns the fraction of shares that were accepted, 0 to 1; false: there
// were none.
func (s Sample) Efficiency() (fraction float64, ok bool) {
	n := s.Accepted + s.Rejected
	if n == 0 {
		return 0, false
	}
	return float64(s.Accepted) / float64(n), true
}
