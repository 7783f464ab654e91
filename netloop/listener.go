package netloop

import (
	"net"
	"net/netip"
)

// Listener is an address that miners connect to.
type Listener struct {
	Address string // host:port; port 0 takes a free one

	// ProxyProtocol are the addresses that must send a PROXY header; headers from
	// others are rejected. If empty, this machine may send one.
	ProxyProtocol []netip.Prefix

	Access

	// Transport makes the transport of each connection; nil: plain TCP.
	Transport Transports

	// Route is where those belong whose login is no account's; "": the default.
	Route string

	dialect beginner // what is spoken there; nil: the first message decides
}

// listener is a Listener whose port is known. Immutable.
type listener struct {
	Listener
	bound string // Address, with its port
}

// networkOf returns the network to listen on an address: without an IP, all addresses
// of the machine, and otherwise only those of its family.
func networkOf(address string) (string, error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	switch {
	case err != nil:
		return "", err
	case tcp.IP == nil:
		return "tcp", nil
	case tcp.IP.To4() != nil:
		return "tcp4", nil
	}
	return "tcp6", nil
}

// address is a netip.AddrPort without a zone, in 18 bytes instead of 32: each miner
// has one.
type address struct {
	ip   [16]byte
	port uint16
}

func makeAddress(a netip.AddrPort) address { return address{a.Addr().As16(), a.Port()} }

// Addr returns the IP address, with IPv4 unmapped.
func (a address) Addr() netip.Addr { return netip.AddrFrom16(a.ip).Unmap() }

// AddrPort returns the IP address, with IPv4 unmapped, and the port.
func (a address) AddrPort() netip.AddrPort { return netip.AddrPortFrom(a.Addr(), a.port) }

// String returns "ip:port".
func (a address) String() string { return a.AddrPort().String() }

// addrPort returns a TCP address, with IPv4 unmapped; the zero AddrPort for any other.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	x := tcp.AddrPort()
	return netip.AddrPortFrom(x.Addr().Unmap(), x.Port())
}
