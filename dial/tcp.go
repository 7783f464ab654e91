package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

const (
	// tcpUserTimeout is TCP_USER_TIMEOUT, which package syscall lacks.
	tcpUserTimeout = 0x12
	// userTimeout is how long sent data may stay unacknowledged, in milliseconds: the
	// kernel's own limit is 15 minutes.
	userTimeout = 20_000
)

// keepAlive detects within 30 s, while nothing is sent, a peer that has silently gone:
// with a share in flight, the overdue verdict would show it.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// tcp makes every connection, to pools and to proxies.
var tcp = &sockets{lookup: net.DefaultResolver.LookupNetIP, connect: connectTCP}

// connectTCP connects to one address.
func connectTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive, Control: setUserTimeout}
	return d.DialContext(ctx, "tcp", to.String())
}

func setUserTimeout(_, _ string, c syscall.RawConn) error {
	// If it can't be set, an overdue verdict shows the same, only later.
	return c.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, userTimeout)
	})
}

// sockets dials TCP: see race.
type sockets struct {
	lookup    func(ctx context.Context, network, host string) ([]netip.Addr, error)
	connect   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	addresses addresses
}

// dial dials host:port until ctx ends. It returns a *Conn.
func (s *sockets) dial(ctx context.Context, address string) (net.Conn, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, Bare(&net.OpError{Op: "dial", Net: "tcp", Err: err})
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, Bare(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("the port is invalid")})
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		conn, err := s.connect(ctx, netip.AddrPortFrom(addr, uint16(port)))
		if err != nil {
			return nil, Bare(err)
		}
		return &Conn{Conn: conn}, nil
	}
	return s.race(ctx, host, uint16(port))
}

// Conn is at the bottom of every connection of this package, alone or below TLS or a
// proxy's tunnel. It begins as TCP. To take the connection over, as an event loop does,
// put something else into the field Conn while nobody reads, writes or closes:
// crypto/tls above does not notice.
type Conn struct {
	net.Conn
	Rated func(worked bool) // called by Rate; nil: nobody wants to know
}

// Bottom returns the bottom of conn, or nil if conn is not from this package.
func Bottom(conn net.Conn) *Conn {
	for {
		switch x := conn.(type) {
		case *Conn:
			return x
		case interface{ NetConn() net.Conn }: // crypto/tls, withHead
			conn = x.NetConn()
		default:
			return nil
		}
	}
}

// Rate reports whether the address that conn leads to was worth the connection: if not,
// the next dial of its name begins with another one. Any goroutine may call it, with
// any connection.
func Rate(conn net.Conn, worked bool) {
	if c := Bottom(conn); c != nil && c.Rated != nil {
		c.Rated(worked)
	}
}
