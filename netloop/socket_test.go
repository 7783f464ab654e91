package netloop

import (
	"net"

	"github.com/panjf2000/gnet/v2"
)

// socket is a connection that accepts everything.
type socket struct {
	gnet.Conn // nil: the unused methods
	address   net.TCPAddr
	context   any
}

func (*socket) Write(b []byte) (int, error) { return len(b), nil }
func (*socket) OutboundBuffered() int       { return 0 }
func (s *socket) RemoteAddr() net.Addr      { return &s.address }
func (s *socket) SetContext(c any)          { s.context = c }
