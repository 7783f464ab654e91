package netloop

import (
	"errors"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/session"
)

// Transport sits between a connection's socket and its dialect: TLS, for example. A
// peer without one is plain TCP. Bytes go in and bytes come out; nothing may block. It
// belongs to its peer's loop.
type Transport interface {
	// Received handles bytes read from the socket, and passes the plain bytes in them
	// to take, in pieces; both slices are valid only until the call returns. An error,
	// including one from take, ends the connection. take may call Append.
	Received(data []byte, take func(plain []byte) error) error

	// Append appends to dst the bytes to send on the socket so that the other side
	// reads plain: first those that are waiting. With plain empty it appends only
	// those.
	Append(dst, plain []byte) ([]byte, error)

	// Waiting returns how many bytes must be sent even without plain data: those of a
	// handshake or an alert.
	Waiting() int

	// Close is called once, when the connection has closed.
	Close()
}

// Handshaker is a Transport that begins with a handshake. Its steps cost so much CPU time
// that they are not the loop's: see shaker. While one of them is under way, the loop does
// not touch the transport.
type Handshaker interface {
	Transport

	// Hello reports whether data, the first bytes from the miner, hold all of its first
	// message; ok is false if they can't begin one.
	Hello(data []byte) (whole, ok bool)

	// Handshake handles bytes of the handshake, and does not keep them. done says that
	// it is over; rest is then for Received, which is called even if rest is empty. Any
	// goroutine, but one at a time.
	Handshake(data []byte) (rest []byte, done bool, err error)
}

// Transports makes the transport of each connection of a listener.
type Transports interface {
	New() Transport
}

// wrapping is a peer's transport. A peer without one, as nearly all are, costs only a
// nil pointer.
type wrapping struct {
	Transport
	take  func(plain []byte) error
	hands *handshake // nil: there is none, or it is over
}

// wrapping makes a peer's transport.
func (l *loop) wrapping(p *peer, from Transports) *wrapping {
	t := &wrapping{Transport: from.New(), take: func(plain []byte) error {
		if l.messages(p, plain) == gnet.Close {
			return errEnough
		}
		return nil
	}}
	if with, ok := t.Transport.(Handshaker); ok {
		t.hands = &handshake{with: with}
	}
	return t
}

// errEnough is returned by take if the connection must be closed.
var errEnough = errors.New("the connection is to be closed")

// unwrap is read for a peer with a transport.
func (l *loop) unwrap(p *peer, data []byte) gnet.Action {
	t := p.transport()
	if t.hands != nil {
		return l.shake(p, t.hands, data)
	}
	err := t.Received(data, t.take)
	if p.conn == nil {
		return gnet.Close
	}
	if !l.answer(p, t) {
		return gnet.Close
	}
	switch err {
	case nil:
		return gnet.None
	case errEnough:
	default:
		p.reason = session.TransportFailed
	}
	return gnet.Close
}

// answer sends what the transport itself has to say; false: the peer has been closed.
func (l *loop) answer(p *peer, t Transport) bool {
	if t.Waiting() == 0 {
		return true
	}
	l.wrapped, _ = t.Append(l.wrapped[:0], nil) // even after an error: it may tell the reason
	return l.transmit(p, l.wrapped)
}

// wrap returns the bytes to send on a peer's socket for out; false: the peer has been
// closed.
func (l *loop) wrap(p *peer, out []byte) (wrapped []byte, ok bool) {
	var err error
	if l.wrapped, err = p.transport().Append(l.wrapped[:0], out); err != nil {
		l.close(p, session.TransportFailed)
		return nil, false
	}
	return l.wrapped, true
}
