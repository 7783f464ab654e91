package upstream

import (
	"net"
	"os"
	"time"
)

// socket is the connection at the bottom of a link that an event loop carries, with
// TLS or a proxy's tunnel over it or nothing. Reading ends with errMore where it would
// block, writing never blocks, and there are no deadlines; crypto/tls bears all of
// that, since errMore says that it is temporary.
type socket struct {
	net.Conn // what the loop reads and writes; closes it

	// The loop's, from Opened on:
	wire  Wire
	inbox []byte // received and not read
	late  bool   // the deadline of what is waited for has passed
}

func (s *socket) Read(b []byte) (int, error) {
	switch {
	case len(s.inbox) > 0:
		n := copy(b, s.inbox)
		s.inbox = s.inbox[n:]
		return n, nil
	case s.late:
		return 0, os.ErrDeadlineExceeded
	}
	return 0, errMore
}

func (s *socket) Write(b []byte) (int, error) { return s.wire.Write(b) }

func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// errMore is how reading ends on an event loop: there is no more for now.
var errMore error = more{}

type more struct{}

func (more) Error() string   { return "the rest has yet to come" }
func (more) Timeout() bool   { return false }
func (more) Temporary() bool { return true } // crypto/tls goes on after it
