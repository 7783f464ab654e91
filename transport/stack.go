package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"net"
	"sync"
)

// ErrEarly is Append's error during the handshake: nothing else can be sent yet.
var ErrEarly = errors.New("the TLS handshake is not through yet")

// Stack is a connection whose bottom is bytes: TLS, or anything else that is a net.Conn
// on top of another one.
type Stack struct {
	top    net.Conn
	bottom *socket

	// The handshake; nil: there is none.
	resume func() (struct{}, bool)
	stop   func()
	err    error // the handshake's result
}

// Adopt takes over an established connection. put must replace the connection at the
// bottom by the one it is given; from then on the old one is the caller's alone.
// Anything that top has already read comes with the first Received.
func Adopt(top net.Conn, put func(bottom net.Conn)) *Stack {
	s := &Stack{top: top, bottom: new(socket)}
	put(s.bottom)
	return s
}

// Client begins TLS as a client: its first message is ready for Append.
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

// shake runs the handshake on a coroutine.
func (s *Stack) shake(c *tls.Conn) {
	s.top = c
	s.resume, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.bottom.wait = func() bool { return yield(struct{}{}) }
		s.err = c.HandshakeContext(context.Background())
	})
}

// maxRecord is the most data that one TLS record carries.
const maxRecord = 16 << 10

var records = sync.Pool{New: func() any { return new([maxRecord]byte) }}

// Hello reports whether data, the first bytes from a client, hold its whole first record;
// clients put all of their first message there. ok is false if no client of TLS begins so.
func (*Stack) Hello(data []byte) (whole, ok bool) {
	const header = 5 // what is in the record, two bytes of version, two of length
	for i, b := range []byte{recordHandshake, 3} {
		if len(data) > i && data[i] != b {
			return false, false
		}
	}
	return len(data) >= header && len(data) >= header+int(data[3])<<8+int(data[4]), true
}

// recordHandshake begins every record of a handshake, and so every TLS connection.
const recordHandshake = 22

// Handshake handles received bytes while the handshake lasts: it takes up to 2 ms of CPU
// time, and may be called on any goroutine, by one at a time. The stack keeps no data.
// done says that the handshake is over; rest, a part of data, is then for Received,
// which must be called even if rest is empty. After an error there may be an alert to
// send: see Waiting.
func (s *Stack) Handshake(data []byte) (rest []byte, done bool, err error) {
	if s.resume == nil {
		return data, s.err == nil, s.err
	}
	s.bottom.in = data
	defer func() { s.bottom.in = nil }()
	if _, more := s.resume(); more {
		return nil, false, nil
	}
	s.resume, s.stop, s.bottom.wait = nil, nil, nil
	return s.bottom.in, s.err == nil, s.err
}

// Received takes what the socket has read, and hands the plain text to take, piece by
// piece; both are valid until the call returns. An error, including one of take's, ends
// the connection. Afterwards there may be something to send: see Waiting. data may be
// empty.
func (s *Stack) Received(data []byte, take func(plain []byte) error) error {
	data, done, err := s.Handshake(data)
	if !done {
		return err
	}
	s.bottom.in = data
	defer func() { s.bottom.in = nil }()
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

// Append appends to dst what the socket has to send for the other side to read plain:
// first anything that waits, which is everything if plain is empty. After an error the
// appended bytes should still be sent: they tell the other side why.
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
	out, s.bottom.out = s.bottom.out, nil
	if s.resume != nil {
		s.bottom.out = waiting[:0] // more of the handshake will come; after it the memory is not needed
	}
	return out, err
}

// Waiting returns how many bytes wait to be sent regardless of plain text: those of a
// handshake, of an alert, of new keys.
func (s *Stack) Waiting() int { return len(s.bottom.out) }

// Established reports whether data can be sent: the handshake is over.
func (s *Stack) Established() bool { return s.resume == nil && s.err == nil }

// Top returns the connection on top, such as a *tls.Conn, which knows what was
// negotiated.
func (s *Stack) Top() net.Conn { return s.top }

// Close ends a handshake under way. It sends nothing. The stack must not be used after
// it.
func (s *Stack) Close() {
	if s.stop != nil {
		s.stop()
	}
}
