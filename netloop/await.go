package netloop

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// awaitShares is how many shares without a verdict are worth waiting for at a pool's
	// socket: fewer are answered in one piece anyway.
	awaitShares = 4

	// awaitBytes bounds how much a pool must have sent to end a wait. A job is longer, so
	// it ends it at once.
	awaitBytes = 1 << 10

	// poolWait is how long a loop waits for a pool. One that has not answered by then wakes
	// it with each piece of its answer.
	poolWait = 1250 * time.Microsecond

	// mailWait is how long a loop waits for verdicts from the loops that carry its links:
	// they start their turn later, and wait for the pool.
	mailWait = beat / 2

	// awaitTimes is how often a loop waits in a turn: a pool that sends much, but no verdicts,
	// does not keep it from its miners; nor does one that has hung up, which ends each wait at
	// once, and is read after the turn.
	awaitTimes = 4

	// awaitLinks is how many links a loop may carry for it to wait for one of them: the
	// others wait too.
	awaitLinks = 8
)

// awaited is what a loop waits for at the end of a turn, instead of hearing its miners. Each
// share that it heard meanwhile would be a turn of its own, for which the other loops would
// have to be woken; so it is left for the next one.
type awaited uint8

const (
	awaitsNothing awaited = iota
	awaitsPool            // one whose link the loop carries: see awaitPool
	awaitsMail            // of loops that carry its miners' links: see doze
)

// awaits returns what the loop is to wait for once it has handled its mail. How many shares
// it will write then is not known, so it takes as many as the last time.
func (l *loop) awaits(m *mail) awaited {
	var what awaited
	switch {
	case len(l.wires) == 0 && l.rhythm.open > 0:
		what = awaitsMail
	case len(l.wires) <= awaitLinks && (l.flying >= awaitShares || len(m.wires) > 0 && l.written >= awaitShares):
		what = awaitsPool
	default:
		return awaitsNothing
	}
	if l.trials.skip > 0 {
		l.trials.skip--
		return awaitsNothing
	}
	return what
}

// awaitPool waits until the pool that owes most verdicts has sent as many bytes as they have,
// but for the last: by the time that the loop runs, that one is there as well. Otherwise
// each piece of the answer would wake the loop, and this one the others, 10 times for the
// shares of a rest. It reports whether they have come.
//
// It holds up everything on the loop, as a rest does (see pause).
func (l *loop) awaitPool() bool {
	w := l.debtor()
	if w == nil {
		return false
	}
	fd := w.conn.Fd()
	wakeAt(fd, min(1+(w.flying-1)*w.verdict, awaitBytes))
	runtime.Gosched()
	p := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	t := unix.NsecToTimespec(int64(poolWait))
	n, _, _ := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&t)), 0, 0, 0)
	wakeAt(fd, 1)
	return n != 0 // a signal ends it too, and says nothing of the pool
}

// debtor returns the link with most shares without a verdict; nil: none has enough to wait.
func (l *loop) debtor() (w *wire) {
	most := awaitShares - 1
	for _, o := range l.wires {
		if o.flying > most {
			w, most = o, o.flying
		}
	}
	return w
}

// wakeAt sets how many bytes a socket must have to be readable. If the kernel does not take
// it, one will do.
func wakeAt(fd, bytes int) {
	n := int32(bytes)
	_, _, _ = unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, uintptr(unsafe.Pointer(&n)), unsafe.Sizeof(n), 0)
}

// doze is a loop's sleep that mail ends, and nothing else. It must have begun before the
// mailbox counts on being able to wake the loop; the loop collects its mail after it, so
// whoever ends it too late has lost nothing.
type doze struct{ begun atomic.Uint32 } // 1 or 0: the kernel compares it, see futex(2)

func (d *doze) begin() { d.begun.Store(1) }

// Operations of futex(2). Only threads of this process take part.
const (
	futexPrivate = 128
	futexWait    = 0 | futexPrivate
	futexWake    = 1 | futexPrivate
)

// sleep sleeps until somebody ends it, and reports false if nobody did in the given time.
// Like a rest it holds up everything on the loop, which keeps its processor of the Go runtime
// (see pause).
func (d *doze) sleep(most time.Duration) bool {
	runtime.Gosched()
	t := unix.NsecToTimespec(int64(most))
	_, _, no := unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&d.begun)), futexWait, 1, uintptr(unsafe.Pointer(&t)), 0, 0)
	d.begun.Store(0)
	return no != unix.ETIMEDOUT // a signal ends it too
}

// end ends it; false: it has not begun. Any goroutine may call it.
func (d *doze) end() bool {
	if !d.begun.CompareAndSwap(1, 0) {
		return false
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&d.begun)), futexWake, 1, 0, 0, 0)
	return true
}
