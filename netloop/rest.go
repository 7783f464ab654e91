package netloop

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// beat is the longest rest. All loops rest until the same moments, a beat apart,
	// so that what one of them hands to another does not find that one resting.
	beat = 4500 * time.Microsecond

	// lag is how much later than the others a loop starts its turn if it carries links:
	// by then the others have handed on their shares, which would otherwise find it at
	// rest again.
	lag = beat / 20

	// turnShares is how many shares should arrive during a rest. If they come faster,
	// the rest is a half or a quarter of a beat.
	turnShares = 40

	// maxVain is after how many waits in vain, one after the other, the interval between
	// them, which doubles each time, stops growing: one in sixteen is still tried if the
	// pool is far away.
	maxVain = 4

	// lonely is the time since the last rest above which shares are so rare that none
	// would gather.
	lonely = 8 * beat

	// stallRest is how long a loop rests if the pool of one of its links reads more
	// slowly than there is data to write.
	stallRest = 3 * time.Millisecond
)

// rhythm says when a loop rests so that miners' shares gather: each wake-up starts
// with caches that others have filled, and costs a read and a write on a pool's
// socket, for one share as for twelve.
//
//	shares ──> handed on ──> verdicts ──> rest until the next beat ──> shares ...
//
// A share waits half a rest on average, and its verdict not at all: before the loop
// rests it waits for the verdicts of its own miners' shares and, if it carries links, for
// those of other loops' shares on them (see awaited). If they take longer than a rest and
// a half, the pool is far away, and a verdict that meets the loop at rest waits half a
// rest as well. Whether it has come closer is tried again and again, more rarely the
// more often it was not.
//
// A single share is not preceded by a rest.
type rhythm struct {
	shares int           // handed to lanes since the last rest
	open   int           // handed to lanes, without a verdict yet
	trials trials        // of waiting for verdicts before a rest
	since  time.Duration // when the first of shares was handed on
	rested time.Duration // when the last rest began
	step   time.Duration // the interval between the ends of rests, as last set; 0: not yet
	pace   pace
}

// ends records the shares that a turn handed on and the verdicts it received, and
// reports whether a rest should follow. flying is how many shares have no verdict yet
// on the links that the loop carries, whichever loop's they are.
func (g *rhythm) ends(shares, verdicts, flying int, now time.Duration) (rest bool) {
	if shares > 0 && g.shares == 0 {
		g.since = now
	}
	g.shares += shares
	g.open = max(0, g.open+shares-verdicts)
	switch {
	case g.shares == 0:
		return false
	case g.trials.skip > 0:
		if shares > 0 {
			g.trials.skip--
		}
		return shares > 0
	case g.open == 0 && flying == 0:
		g.trials.worked()
		return true
	case now-g.since > max(g.step, beat/4)*3/2:
		g.trials.failed()
		return true
	}
	return false
}

// near reports whether verdicts are waited for: the pool is not far away.
func (g *rhythm) near() bool { return g.trials.skip == 0 }

// trials says how often something is tried that may be in vain: the more often in a row it
// was, the more occasions are left out before the next trial.
type trials struct {
	vain int // trials in a row that were in vain
	skip int // occasions to leave out
}

func (t *trials) worked() { t.vain = 0 }

func (t *trials) failed() {
	t.vain = min(t.vain+1, maxVain)
	t.skip = 1<<t.vain - 1
}

// rest starts a rest, and returns its length. carries says that the loop carries
// links.
//
// The rest after a long turn is not shortened: a loop that is late because the
// processor is busy elsewhere would fall ever further behind if it used more of it.
func (g *rhythm) rest(now time.Duration, carries bool) time.Duration {
	shares, since := g.shares, now-g.rested
	g.shares, g.rested = 0, now
	if since > lonely {
		g.pace, g.step = pace{}, 0
		return 0
	}
	g.step = beat
	for least := g.pace.of(shares, since) * turnShares; g.step > least && g.step > beat/4; {
		g.step /= 2
	}
	if carries {
		now -= g.step * lag / beat
	}
	return g.step - now%g.step
}

// pace is the average interval between shares over the last rests. A single rest says
// little: it may have started with the first share of a burst.
type pace struct{ shares, time float64 }

// of adds shares that came in the given time, and returns the average interval.
func (p *pace) of(shares int, since time.Duration) time.Duration {
	const turns = 8
	p.shares += float64(shares) - p.shares/turns
	p.time += float64(since) - p.time/turns
	return time.Duration(p.time / p.shares)
}

// pause stops the loop's thread, which keeps its Go runtime processor.
//
// time.Sleep and ordinary system calls would give the processor up. The runtime's
// monitor, which retakes processors from system calls, would then look every 20 µs:
// 3,300 times a second, with the runtime's own threads waking each other, at 99 µs per
// share instead of 52 at 2,000 shares per second. So pause yields first, as the
// monitor would force a loop to that has not yielded for 10 ms.
//
// A signal ends it early, for example the one by which the runtime stops the world.
func pause(d time.Duration) {
	if d <= 0 {
		return
	}
	runtime.Gosched()
	t := unix.NsecToTimespec(int64(d))
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}
