package netloop

import (
	"errors"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/session"
)

// Transport stands between a connection's socket and its dialect: TLS, for example. A
// peer without one is plain TCP. Bytes go in and bytes come out; nothing may wait. It
// belongs to the loop of its peer.
type Transport interface {
	// Received takes what the socket has read, and hands what it says to take, in
	// pieces; both are valid until the call returns. An error, of take's too, ends the
	// connection. take may call Append.
	Received(data []byte, take func(plain []byte) error) error

	// Append appends to dst what the socket has to send, so that the other side reads
	// plain: first what waits, which is all where plain is empty.
	Append(dst, plain []byte) ([]byte, error)

	// Waiting returns how many bytes are to be sent whatever else there is to say:
	// those of a handshake, or of an alert.
	Waiting() int

	// Close is called once, when the connection is closed.
	Close()
}

// Transports makes the transport of each connection of a listener.
type Transports interface {
	New() Transport
}

// wrapping is a peer's transport. A peer without one, as nearly all are, pays for a nil
// pointer alone.
type wrapping struct {
	Transport
	take func(plain []byte) error
}

// wrapping makes a peer's transport.
func (l *loop) wrapping(p *peer, from Transports) *wrapping {
	return &wrapping{from.New(), func(plain []byte) error {
		if l.messages(p, plain) == gnet.Close {
			return errEnough
		}
		return nil
	}}
}

// errEnough is what take returns when the connection is to be closed.
var errEnough = errors.New("the connection is to be closed")

// unwrap is read for a peer with a transport.
func (l *loop) unwrap(p *peer, data []byte) gnet.Action {
	t := p.transport()
	err := t.Received(data, t.take)
	if p.conn == nil {
		return gnet.Close
	}
	if t.Waiting() > 0 {
		l.wrapped, _ = t.Append(l.wrapped[:0], nil) // after an error too: it may say why
		if !l.transmit(p, l.wrapped) {
			return gnet.Close
		}
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

// wrap returns what a peer's socket has to send for out; false: it has been closed.
func (l *loop) wrap(p *peer, out []byte) (wrapped []byte, ok bool) {
	var err error
	if l.wrapped, err = p.transport().Append(l.wrapped[:0], out); err != nil {
		l.close(p, session.TransportFailed)
		return nil, false
	}
	return l.wrapped, true
}
