package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"net"
	"sync"
)

// ErrEarly is what Append says while there is a handshake: nothing else can be said.
var ErrEarly = errors.New("the TLS handshake is not through yet")

// Stack is a connection whose bottom is bytes: TLS, or whatever else a net.Conn
// does above another one.
type Stack struct {
	top    net.Conn
	bottom *socket

	// Of a handshake; nil: there is none.
	resume func() (struct{}, bool)
	stop   func()
	err    error // what it came to
}

// Adopt takes over an established connection. put has to put what it is given in the
// place of the connection at the bottom; from then on that one is the caller's alone.
// What top has read already comes with the first Received.
func Adopt(top net.Conn, put func(bottom net.Conn)) *Stack {
	s := &Stack{top: top, bottom: new(socket)}
	put(s.bottom)
	return s
}

// Client begins TLS as a client: what it says first is there to be appended.
func Client(config *tls.Config) *Stack {
	s := &Stack{bottom: new(socket)}
	s.shake(tls.Client(s.bottom, config))
	s.resume()
	return s
}

// Server begins TLS as a server.
func Server(config *tls.Config) *Stack {
	s := &Stack{bottom: new(socket)}
	s.shake(tls.Server(s.bottom, config))
	return s
}

// shake puts the handshake on a coroutine.
func (s *Stack) shake(c *tls.Conn) {
	s.top = c
	s.resume, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.bottom.wait = func() bool { return yield(struct{}{}) }
		s.err = c.HandshakeContext(context.Background())
	})
}

// maxRecord is the most that one record of TLS says.
const maxRecord = 16 << 10

var records = sync.Pool{New: func() any { return new([maxRecord]byte) }}

// Received takes what the socket has read, and hands what it says to take, piece by
// piece; both are valid until the call returns. An error, of take's too, ends the
// connection. Afterwards there may be something to be sent: see Waiting. data may be
// empty.
func (s *Stack) Received(data []byte, take func(plain []byte) error) error {
	s.bottom.in = data
	defer func() { s.bottom.in = nil }()
	if s.resume != nil {
		if _, more := s.resume(); more {
			return nil
		}
		s.resume, s.stop, s.bottom.wait = nil, nil, nil
	}
	if s.err != nil {
		return s.err
	}
	buf := records.Get().(*[maxRecord]byte)
	defer records.Put(buf)
	for {
		n, err := s.top.Read(buf[:])
		if n > 0 {
			if err := take(buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, errMore) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Append appends to dst what the socket has to send, so that the other side reads
// plain: first what waits, which is all where plain is empty. After an error what was
// appended should be sent all the same: it says why.
func (s *Stack) Append(dst, plain []byte) (out []byte, err error) {
	waiting := s.bottom.out
	s.bottom.out = append(dst, waiting...)
	switch {
	case len(plain) == 0:
	case !s.Established():
		err = ErrEarly
	default:
		_, err = s.top.Write(plain)
	}
	out, s.bottom.out = s.bottom.out, waiting[:0]
	return out, err
}

// Waiting returns how many bytes are to be sent, whatever else there is to say: those
// of a handshake, of an alert, of new keys.
func (s *Stack) Waiting() int { return len(s.bottom.out) }

// Established reports that something can be said: there is no handshake any more.
func (s *Stack) Established() bool { return s.resume == nil && s.err == nil }

// Top returns the connection that is spoken with, such as a *tls.Conn, to be asked
// what was agreed upon.
func (s *Stack) Top() net.Conn { return s.top }

// Close ends a handshake that is under way. It sends nothing. After it the stack is
// not used any more.
func (s *Stack) Close() {
	if s.stop != nil {
		s.stop()
	}
}
