package netloop

import "golang.org/x/sys/unix"

// MaxConnections is how many peers a loop can address, whatever the limit of
// descriptors.
const MaxConnections = 1 << slotBits

// setUserTimeout bounds how long the kernel waits for a miner to acknowledge. If the
// kernel lacks the option, keepalive has to do.
func setUserTimeout(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
}
