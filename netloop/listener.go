package netloop

import (
	"fmt"
	"net"
	"net/netip"
)

// Listener is an address that miners connect to.
type Listener struct {
	Address string // host:port; port 0 takes a free one

	// ProxyProtocol are the addresses that must send a PROXY header; headers from
	// others are rejected. If empty, this machine may send one.
	ProxyProtocol []netip.Prefix

	// Transport makes the transport of each connection; nil: plain TCP.
	Transport Transports

	dialect beginner // what is spoken there; nil: the first message decides
}

// listener is a Listener whose port is known.
type listener struct {
	Listener
	bound netip.AddrPort // its address in gnet; unspecified: all addresses
}

// newListener checks that a Listener can be opened, and determines its port.
func newListener(o Listener) (*listener, error) {
	resolved, err := probe(o.Address)
	if err != nil {
		return nil, fmt.Errorf("listener %q: %w: is another farmproxy using it, or is the port below 1024?", o.Address, err)
	}
	o.Address = resolved
	tcp, err := net.ResolveTCPAddr("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("listener %q: %w", o.Address, err)
	}
	return &listener{Listener: o, bound: addrPort(tcp)}, nil
}

// url is what gnet listens on: the resolved address, since the name might resolve to
// another the next time.
func (l *listener) url() string {
	return "tcp://" + (&net.TCPAddr{IP: l.bound.Addr().AsSlice(), Port: int(l.bound.Port()), Zone: l.bound.Addr().Zone()}).String()
}

// listener returns the listener that a connection came in by: gnet gives each
// connection the address of its listener.
func (s *Server) listener(local net.Addr) *listener {
	bound := addrPort(local)
	for _, l := range s.listeners[1:] {
		if l.bound == bound {
			return l
		}
	}
	return s.listeners[0]
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
