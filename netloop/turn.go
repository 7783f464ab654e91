package netloop

import (
	"context"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rests are how long a loop rests between turns in which it hands on shares. A
// share that comes alone costs a wake-up of the loop, a write to the pool and a
// read from it; those that come during a rest cost that once. It adds up to three
// rests to a round trip of 20 to 200 ms: until the share is read, until the loop
// that carries the link flushes it, until its verdict is read.
const (
	longRest  = 8 * time.Millisecond
	shortRest = 3 * time.Millisecond // where there are many shares even so

	// manyShares is how many in a turn are many: 2,000 a second on a loop.
	manyShares = 16
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
		pause(shortRest)
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
	for _, call := range m.calls {
		call()
	}
	if m.tick {
		l.tick()
	}
	for _, w := range m.wires {
		w.flush()
	}
	return l.fanOut()
}

// handOn says that a share of this turn waits in a lane.
func (l *loop) handOn() {
	if l.handed++; l.handed == 1 {
		l.began = l.env.Now
		l.mailbox.turn()
	}
}

// rest lets shares gather, unless the first of the turn was so long in coming that
// there is nothing to be gathered.
//
// A turn that took long is followed by as long a rest as any other: a loop that is
// late because the processor is busy elsewhere would get ever later if it took more
// of it.
func (l *loop) rest(shares int) {
	switch {
	case l.began-l.rested > longRest:
	case shares > manyShares:
		pause(shortRest)
	default:
		pause(longRest)
	}
	l.rested = time.Since(l.server.started)
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
