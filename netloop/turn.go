package netloop

import (
	"context"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A loop rests between turns in which it hands on shares. A share that comes alone
// costs a wake-up of the loop, a write to the pool and a read from it; those that come
// during a rest cost that once. It adds up to three rests to a round trip of 20 to
// 200 ms: until the share is read, until the loop that carries the link flushes it,
// until its verdict is read.
const (
	longRest = 12 * time.Millisecond // where there are few shares even so

	// turnShares is how many are to come during a rest, which is shorter where they
	// come faster. At 20,000 a second on 2 loops a rest is 4 ms, 99 % of round trips
	// are within 18 ms, and a share costs 2 to 6 % less than with 12, which has them
	// within 7. What is in between has its price: gnet makes its list of events anew,
	// longer or shorter, around turns of 32 events, 0.03 allocations a share where
	// 24 or 32 are to come, 0.015 with 40.
	turnShares = 40

	// stallRest is the rest of a loop with a link whose pool does not read as fast
	// as there is something to be written.
	stallRest = 3 * time.Millisecond
)

// Run is turn, for gnet to call where the loop has no bells.
func (l *loop) Run(context.Context) error {
	l.turn()
	return nil
}

// turn ends a turn, or only brings mail. It is called when the loop has done
// everything that was there to be done.
//
// A turn in which shares were handed on ends with a rest, unless there is something
// that must not wait: miners that come in, for which gnet has one accept a turn, or
// jobs on their way out.
func (l *loop) turn() {
	l.judge()
	shares, rest := l.handed, l.handed > 0 && !l.crowded
	l.handed, l.crowded = 0, false
	left := l.take(l.mailbox.collect(!rest))
	if rest {
		if !left {
			l.rest(shares)
		}
		l.wake() // heard behind what came meanwhile: that is the next turn, and with it goes the mail
	}
	if l.stalled { // not at once again
		l.stalled = false
		pause(stallRest)
	}
}

// take does what the mail asks for, and reports whether there is more to do that
// is not to wait.
func (l *loop) take(m *mail) (left bool) {
	l.clock()
	for i := range m.verdicts {
		if next := i + verdictsAhead; next < len(m.verdicts) {
			l.prefetch(&m.verdicts[next])
		}
		l.verdict(&m.verdicts[i])
	}
	l.flushAgents()
	for i := range m.hashed {
		l.hashed(&m.hashed[i])
	}
	for i := range m.posts {
		l.post(&m.posts[i])
	}
	if l.stopping {
		l.leaveSettled()
	}
	for _, call := range m.calls {
		call()
	}
	if m.tick {
		l.tick()
	}
	for _, w := range m.wires {
		w.flush()
	}
	l.look()
	return l.fanOut()
}

// handOn says that a share of this turn waits in a lane.
func (l *loop) handOn() {
	if l.handed++; l.handed == 1 {
		l.mailbox.turn()
	}
}

// rest lets shares gather, unless those of this turn were so long in coming that
// there is nothing to be gathered.
//
// A turn that took long is not followed by a shorter rest for that: a loop that is
// late because the processor is busy elsewhere would get ever later if it took more
// of it.
func (l *loop) rest(shares int) {
	now := time.Since(l.server.started)
	since := now - l.ended // that is how long they took to come
	l.ended = now
	if since > 2*longRest {
		l.pace = pace{}
		return
	}
	pause(min(longRest, l.pace.of(shares, since)*turnShares))
}

// pace is how fast shares come, over the last turns: of single ones it tells little,
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
	runtime.Gosched()
	t := unix.NsecToTimespec(int64(d))
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}
