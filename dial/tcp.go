package dial

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

const (
	// tcpUserTimeout is TCP_USER_TIMEOUT, which package syscall lacks.
	tcpUserTimeout = 0x12
	// userTimeout is how many milliseconds what was sent may stay without an
	// acknowledgement: the kernel's own limit is 15 minutes.
	userTimeout = 20_000
)

// keepAlive notices within 30 s a peer that is gone without a word, while
// nothing is sent: a share in flight would show it when its verdict is overdue.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// tcp makes every connection, to pools and to proxies.
var tcp = &sockets{lookup: net.DefaultResolver.LookupNetIP, connect: connectTCP}

// connectTCP connects to one address.
func connectTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive, Control: setUserTimeout}
	return d.DialContext(ctx, "tcp", to.String())
}

func setUserTimeout(_, _ string, c syscall.RawConn) error {
	// Where it can't be set an overdue verdict shows the same, later.
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

// dial dials host:port until ctx ends. What it returns is a *Conn.
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
		return &Conn{Conn: conn}, nil
	}
	return s.race(ctx, host, uint16(port))
}

// Conn is what is at the bottom of every connection of this package, with TLS or a
// proxy's tunnel over it or nothing. It begins as TCP. Whoever takes the connection
// over, as an event loop does, puts something else into Conn, while nobody reads,
// writes or closes: crypto/tls above does not notice.
type Conn struct {
	net.Conn
	Rated func(worked bool) // told by Rate; nil: nobody wants to know
}

// Bottom returns what is at the bottom of conn; nil where it is none of this
// package's.
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

// Rate notes whether the address that conn leads to was worth the connection:
// where it was not, the next dial of its name begins with another one. Any
// goroutine, any connection.
func Rate(conn net.Conn, worked bool) {
	if c := Bottom(conn); c != nil && c.Rated != nil {
		c.Rated(worked)
	}
}
