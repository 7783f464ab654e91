package netloop

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// awaitShares is how many shares without a verdict are worth waiting for together:
	// fewer are answered in one piece anyway.
	awaitShares = 4

	// awaitBytes bounds how much a pool must have sent to end a wait. A job is longer, so
	// it ends it at once.
	awaitBytes = 1 << 10

	// awaitTime is how long a loop waits for a pool: a quarter of a rest. One that has not
	// answered by then wakes it with each piece of its answer.
	awaitTime = beat / 4

	// awaitTimes is how often a loop waits in a turn: a pool that sends much, but no verdicts,
	// does not keep it from its miners; nor does one that has hung up, which ends each wait at
	// once, and is read after the turn.
	awaitTimes = 4

	// awaitPause is how many waits are left out after one that was in vain: the pool is too
	// far away, or several owe a few verdicts each.
	awaitPause = 15

	// awaitLinks is how many links a loop may carry for it to wait for one of them: the
	// others wait too.
	awaitLinks = 8
)

// awaits reports whether the loop is to wait for verdicts once it has handled its mail. How
// many shares it will write then is not known, so it takes as many as the last time.
func (l *loop) awaits(m *mail) bool {
	if len(l.wires) > awaitLinks || l.flying < awaitShares && (len(m.wires) == 0 || l.written < awaitShares) {
		return false
	}
	if l.vain > 0 {
		l.vain--
		return false
	}
	return true
}

// await waits until the pool that owes most verdicts has sent as many bytes as they have,
// but for the last: by the time that the loop runs, that one is there as well. Otherwise
// each piece of the answer would wake the loop, and this one the others, 10 times for the
// shares of a rest. It reports false if the wait was in vain.
//
// It holds up everything on the loop, as a rest does (see pause).
func (l *loop) await() bool {
	w := l.debtor()
	if w == nil {
		l.vain = awaitPause
		return false
	}
	fd := w.conn.Fd()
	wakeAt(fd, min(1+(w.flying-1)*w.verdict, awaitBytes))
	runtime.Gosched()
	p := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	t := unix.NsecToTimespec(int64(awaitTime))
	n, _, _ := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&t)), 0, 0, 0)
	wakeAt(fd, 1)
	if n == 0 { // a signal ends it too, and says nothing of the pool
		l.vain = awaitPause
	}
	return n != 0
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
