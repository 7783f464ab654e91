package upstream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
)

// keepAlive notices within 30 s a peer that is gone without a word, while
// nothing is sent: a share in flight would show it in answerTimeout.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// tcp makes every connection, to pools and to proxies.
var tcp = &sockets{lookup: net.DefaultResolver.LookupNetIP, connect: connectTCP}

// connectTCP connects to one address.
func connectTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive, Control: setUserTimeout}
	return d.DialContext(ctx, "tcp", to.String())
}

// sockets dials TCP: see race.
type sockets struct {
	lookup    func(ctx context.Context, network, host string) ([]netip.Addr, error)
	connect   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	addresses addresses
}

// dial dials host:port until ctx ends. What it returns is a *socket.
func (s *sockets) dial(ctx context.Context, address string) (net.Conn, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("%s: the port is none", address)}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		conn, err := s.connect(ctx, netip.AddrPortFrom(addr, uint16(port)))
		if err != nil {
			return nil, err
		}
		return &socket{Conn: conn}, nil
	}
	return s.race(ctx, host, uint16(port))
}

// socket is the TCP connection at the bottom of a link, with TLS or a proxy's
// tunnel over it or nothing. It begins like any other. Once an event loop
// carries it, reading ends with errMore where it would block, writing never
// blocks, and there are no deadlines; crypto/tls bears all of that, since errMore
// says that it is temporary.
type socket struct {
	net.Conn

	addresses *addresses // what is known of the addresses of host, of which addr is one; nil: it was no name
	host      string
	addr      netip.Addr

	// The loop's, from Opened on:
	wire  Wire   // nil: no loop carries it
	inbox []byte // received and not read
	late  bool   // the deadline of what is waited for has passed
}

// socketOf returns what is at the bottom of conn; nil where it is none of ours.
func socketOf(conn net.Conn) *socket {
	for {
		switch x := conn.(type) {
		case *socket:
			return x
		case interface{ NetConn() net.Conn }: // crypto/tls, withHead
			conn = x.NetConn()
		default:
			return nil
		}
	}
}

// isTCP reports that an event loop can carry it. The nil socket is none.
func (s *socket) isTCP() bool {
	if s == nil {
		return false
	}
	_, is := s.Conn.(*net.TCPConn)
	return is
}

// rate notes whether the address was worth the connection.
func (s *socket) rate(worked bool) {
	switch {
	case s == nil || s.addresses == nil:
	case worked:
		s.addresses.works(s.host, s.addr)
	default:
		s.addresses.failed(s.host, s.addr, time.Now())
	}
}

func (s *socket) Read(b []byte) (int, error) {
	switch {
	case s.wire == nil:
		return s.Conn.Read(b)
	case len(s.inbox) > 0:
		n := copy(b, s.inbox)
		s.inbox = s.inbox[n:]
		return n, nil
	case s.late:
		return 0, os.ErrDeadlineExceeded
	}
	return 0, errMore
}

func (s *socket) Write(b []byte) (int, error) {
	if s.wire == nil {
		return s.Conn.Write(b)
	}
	return s.wire.Write(b)
}

func (s *socket) SetDeadline(t time.Time) error {
	if s.wire == nil {
		return s.Conn.SetDeadline(t)
	}
	return nil
}

func (s *socket) SetReadDeadline(t time.Time) error {
	if s.wire == nil {
		return s.Conn.SetReadDeadline(t)
	}
	return nil
}

func (s *socket) SetWriteDeadline(t time.Time) error {
	if s.wire == nil {
		return s.Conn.SetWriteDeadline(t)
	}
	return nil
}

// errMore is how reading ends on an event loop: there is no more for now.
var errMore error = more{}

type more struct{}

func (more) Error() string   { return "the rest has yet to come" }
func (more) Timeout() bool   { return false }
func (more) Temporary() bool { return true } // crypto/tls goes on after it
