package netloop

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// RaiseFileLimit raises RLIMIT_NOFILE to its hard limit and returns it.
func RaiseFileLimit() (limit uint64, err error) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("reading RLIMIT_NOFILE: %w", err)
	}
	r.Cur = r.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("raising RLIMIT_NOFILE to its hard limit %d: %w", r.Max, err)
	}
	return r.Cur, nil
}

// MaxMiners returns how many miners a limit on descriptors leaves room for:
// never more than asked for, unless that is 0.
func MaxMiners(limit uint64, asked int) int {
	room := 0
	if limit > reservedFiles {
		room = int(min(limit-reservedFiles, 1<<slotBits))
	}
	if asked > 0 {
		return min(asked, room)
	}
	return room
}

// setUserTimeout bounds how long the kernel waits for a miner to acknowledge.
// Where the kernel does not know the option, keepalive has to do.
func setUserTimeout(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
}
