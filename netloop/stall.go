package netloop

import "time"

const (
	// stalledAfter is how late a tick must be before it tells that nothing ran: a
	// debugger had stopped the process, the host its machine, or there was no processor
	// to run on. A machine that is merely busy is late by less.
	stalledAfter = 5 * time.Second

	// stalledTicks is how many ticks are left out then. First the loops read what came
	// meanwhile: an answer that waits in the kernel is not overdue, nor has a miner
	// whose request waits there dawdled.
	stalledTicks = 3
)

// stall notices that nothing ran for a while.
type stall struct {
	last time.Duration // when the last tick was; 0: there was none
	skip int           // ticks to be left out
}

// tick returns for how long nothing ran, if that is news, and whether this tick is left
// out.
func (s *stall) tick(now time.Duration) (stood time.Duration, skip bool) {
	late := now - s.last - tickEvery
	first := s.last == 0
	s.last = now
	if late >= stalledAfter && !first {
		stood, s.skip = late, stalledTicks
	}
	if s.skip > 0 {
		s.skip--
		return stood, true
	}
	return stood, false
}
