package netloop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// unlisten closes this process's listeners on addresses, which gnet owns and does not
// hand out: it replaces their descriptors by a socket that listens where nobody can
// connect. So gnet, which may be about to accept, finds no connection, and still has
// something to close in the end.
func unlisten(addresses []string) error {
	ports := make(map[int]bool)
	for _, a := range addresses {
		_, port, _ := net.SplitHostPort(a)
		if n, err := strconv.Atoi(port); err == nil {
			ports[n] = true
		}
	}
	nobody, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(nobody)
	if err := errors.Join(unix.Bind(nobody, &unix.SockaddrUnix{}), unix.Listen(nobody, 1)); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, file := range files {
		if fd, err := strconv.Atoi(file.Name()); err == nil && listensAs(fd, ports) {
			if err := unix.Dup3(nobody, fd, unix.O_CLOEXEC); err != nil {
				return os.NewSyscallError("dup3", err)
			}
		}
	}
	return nil
}

// listensAs reports whether a descriptor is a listener on one of the ports that shares
// its port, as gnet's listeners do.
func listensAs(fd int, ports map[int]bool) bool {
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil || listens == 0 {
		return false
	}
	shared, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT)
	if err != nil || shared == 0 {
		return false
	}
	switch name, _ := unix.Getsockname(fd); a := name.(type) {
	case *unix.SockaddrInet4:
		return ports[a.Port]
	case *unix.SockaddrInet6:
		return ports[a.Port]
	}
	return false
}
