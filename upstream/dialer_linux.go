package upstream

import "syscall"

const (
	// tcpUserTimeout is TCP_USER_TIMEOUT, which package syscall lacks.
	tcpUserTimeout = 0x12

	// userTimeout is how many milliseconds what was sent may stay without an
	// acknowledgement: the kernel's own limit is 15 minutes.
	userTimeout = 20_000
)

func setUserTimeout(_, _ string, c syscall.RawConn) error {
	// Where it can't be set answerTimeout does the same, later.
	return c.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, userTimeout)
	})
}
