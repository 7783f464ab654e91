package netloop

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// send writes to the peer's socket as much as the kernel takes now.
func (p *peer) send(b []byte) (n int, err error) {
	if p.fd == noSocket {
		return p.conn.Write(b)
	}
	return send(p.fd, b)
}

// send writes to a socket as much as the kernel takes now.
//
// The runtime is not told of the system call, which never blocks: that, and gnet's
// bookkeeping per connection, take 0.7 of the 6.7 µs of a write to a miner. It uses
// sendto because write treats the socket as a file first: another 0.7 µs.
func send(fd int32, b []byte) (n int, err error) {
	const flags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	sent, _, no := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
	switch no {
	case 0:
		return int(sent), nil
	case unix.EAGAIN, unix.EINTR:
		return 0, nil
	}
	return 0, no
}

// receive reads from a socket what is there; 0: nothing, its end, or an error, which gnet
// finds.
func receive(fd int32, b []byte) (n int) {
	got, _, no := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	if no != 0 {
		return 0
	}
	return int(got)
}
