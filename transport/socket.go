package transport

import (
	"net"
	"time"
)

// socket is the connection at the bottom of a stack. It holds what was received and not
// yet read, and collects what is to be sent.
type socket struct {
	in   []byte      // received but not read; the caller's
	out  []byte      // to be sent
	wait func() bool // in a handshake: returns once there is more; false: there will be none. nil: nobody waits
}

func (s *socket) Read(b []byte) (int, error) {
	for len(s.in) == 0 {
		if s.wait == nil {
			return 0, errMore
		}
		if !s.wait() {
			return 0, net.ErrClosed
		}
	}
	n := copy(b, s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *socket) Write(b []byte) (int, error) {
	s.out = append(s.out, b...)
	return len(b), nil
}

// The owner of the real socket does the rest of a net.Conn's work.

func (*socket) Close() error                     { return nil }
func (*socket) LocalAddr() net.Addr              { return address{} }
func (*socket) RemoteAddr() net.Addr             { return address{} }
func (*socket) SetDeadline(time.Time) error      { return nil }
func (*socket) SetReadDeadline(time.Time) error  { return nil }
func (*socket) SetWriteDeadline(time.Time) error { return nil }

type address struct{}

func (address) Network() string { return "bytes" }
func (address) String() string  { return "an event loop" }

// errMore ends reading: there is no more for now. crypto/tls gives up at any error that
// is not temporary.
var errMore error = more{}

type more struct{}

func (more) Error() string   { return "the rest has yet to come" }
func (more) Timeout() bool   { return false }
func (more) Temporary() bool { return true }
