package netloop

import (
	"net"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Probe returns why an address can't be listened on; nil if it can.
func Probe(address string) error {
	_, err := probe(address)
	return err
}

// probe returns the address that a server can listen on, with its port, or an error
// that says why it can't: gnet itself would hide that, and would share the port with
// another farmproxy. It binds without listening: right after a restart miners are
// already connecting, and a listener that closes again would reset those that it had
// accepted.
func probe(address string) (resolved string, err error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return "", err
	}
	family, to := sockaddr(tcp.AddrPort())
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT && tcp.IP == nil { // a kernel without IPv6
		to = &unix.SockaddrInet4{Port: tcp.Port}
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return "", os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	// Connections from before the restart may still be in TIME_WAIT.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return "", os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, to); err != nil {
		return "", os.NewSyscallError("bind", err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	port := tcp.Port
	switch b := bound.(type) {
	case *unix.SockaddrInet4:
		port = b.Port
	case *unix.SockaddrInet6:
		port = b.Port
	}
	host, _, err := net.SplitHostPort(address)
	return net.JoinHostPort(host, strconv.Itoa(port)), err
}

// sockaddr returns what to bind for an address; without an IP, all addresses.
func sockaddr(a netip.AddrPort) (family int, to unix.Sockaddr) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	} else if ip.Is6() {
		return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: ip.As16()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port())}
}
