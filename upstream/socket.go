package upstream

import (
	"context"
	"net"
	"os"
	"time"
)

// keepAlive notices within 30 s a peer that is gone without a word, while
// nothing is sent: a share in flight would show it in answerTimeout.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// tcp makes every connection, to pools and to proxies.
var tcp = sockets{net.Dialer{KeepAliveConfig: keepAlive, Control: setUserTimeout}}

// sockets dials TCP.
type sockets struct{ net.Dialer }

// Dial dials with no bound but the kernel's.
func (d *sockets) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext dials until ctx ends. What it returns is a *socket.
func (d *sockets) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &socket{Conn: conn}, nil
}

// socket is the TCP connection at the bottom of a link, with TLS or a proxy's
// tunnel over it or nothing. It begins like any other. Once an event loop
// carries it, reading ends with errMore where it would block, writing never
// blocks, and there are no deadlines; crypto/tls bears all of that, since errMore
// says that it is temporary.
type socket struct {
	net.Conn

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
