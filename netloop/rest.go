package netloop

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// beat is the longest rest. All loops rest until the same moments, a beat apart:
	// what one of them then hands to another does not find it resting.
	beat = 3 * time.Millisecond

	// turnShares is how many shares are to come during a rest, which is a half or a
	// quarter of a beat where they come faster.
	turnShares = 40

	// promptly is how long a loop waits for a pool's verdicts before it rests.
	promptly = time.Millisecond

	// lonely is how long ago the last rest must have been for shares to be so rare
	// that nothing would gather.
	lonely = 8 * beat

	// stallRest is the rest of a loop with a link whose pool does not read as fast
	// as there is something to be written.
	stallRest = 3 * time.Millisecond
)

// rhythm says when a loop rests, so that miners' shares gather: each time it wakes
// up it begins with caches that others have filled, reads a socket of the pool's and
// writes one, whether for one share or for twelve.
//
//	shares ──> handed on ──> verdicts ──> rest until the next beat ──> shares ...
//
// A share waits for half a rest on average, and its verdict for none: where the pool
// answers within a millisecond the loop waits for its verdicts first, awake. Where it
// takes longer, which shows by verdicts that are still missing when further shares
// are handed on, it rests at once, and verdicts wait for half a rest as well.
//
// A share that comes alone has no rest before it.
type rhythm struct {
	shares int           // handed on since the last rest
	open   int           // handed on and without a verdict
	slow   bool          // the pool's verdicts take longer than from one turn to the next
	since  time.Duration // when the first of shares were handed on
	rested time.Duration // when the last rest began
	pace   pace
}

// ends takes note of what a turn hands on and of the verdicts that it brings, and
// reports whether a rest is to follow it.
func (g *rhythm) ends(shares, verdicts int, now time.Duration) (rest bool) {
	if shares > 0 {
		g.slow = g.open > 0
		if g.shares == 0 {
			g.since = now
		}
	}
	g.shares += shares
	g.open = max(0, g.open+shares-verdicts)
	switch {
	case g.shares == 0:
		return false
	case g.slow:
		return shares > 0
	}
	return g.open == 0 || now-g.since > promptly
}

// rest begins a rest, and returns how long it is to be.
//
// A turn that took long is not followed by a shorter rest for that: a loop that is
// late because the processor is busy elsewhere would get ever later if it took more
// of it.
func (g *rhythm) rest(now time.Duration) time.Duration {
	shares, since := g.shares, now-g.rested
	g.shares, g.rested = 0, now
	if since > lonely {
		g.pace = pace{}
		return 0
	}
	step := beat
	for least := g.pace.of(shares, since) * turnShares; step > least && step > beat/4; {
		step /= 2
	}
	return step - now%step
}

// pace is how fast shares come, over the last rests: of single ones it tells little,
// as some begin with the first share of many.
type pace struct{ shares, time float64 }

// of takes note of so many shares more, and returns the time from one to the next.
func (p *pace) of(shares int, since time.Duration) time.Duration {
	const turns = 8
	p.shares += float64(shares) - p.shares/turns
	p.time += float64(since) - p.time/turns
	return time.Duration(p.time / p.shares)
}

// pause stops the loop's thread, which keeps the Go runtime's processor.
//
// time.Sleep and the usual kind of system call would give it up, and the
// runtime's monitor, which takes processors away from system calls, then looks
// every 20 µs: 3,300 times a second, threads of the runtime's own waking each
// other, and 99 µs a share instead of 52 at 2,000 a second. So it
// yields first, as the monitor would make a loop do that has not for 10 ms.
//
// A signal cuts it short, such as the one by which the runtime stops the world.
func pause(d time.Duration) {
	if d <= 0 {
		return
	}
	runtime.Gosched()
	t := unix.NsecToTimespec(int64(d))
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}
