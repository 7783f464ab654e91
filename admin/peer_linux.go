package admin

import (
	"net"
	"syscall"
)

// peerOf asks the kernel who connected.
func peerOf(conn net.Conn) (p Peer) {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return Peer{}
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return Peer{}
	}
	_ = raw.Control(func(fd uintptr) {
		if c, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			p = Peer{PID: int(c.Pid), UID: int(c.Uid), GID: int(c.Gid), Known: true}
		}
	})
	return p
}
