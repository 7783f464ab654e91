package api

import (
	"crypto/tls"
	"net"
)

// secured puts TLS on top of a connection, if there is TLS. The handshake comes with the
// first read, on the goroutine of the connection and within readTimeout; until then the
// connection counts as idle, and gives way to others.
func (l *listener) secured(c *conn) net.Conn {
	if config := l.tls.Load(); config != nil {
		return tls.Server(c, config)
	}
	return c
}

// Secure has connections that come from now on speak TLS, or not: nil. Any goroutine.
func (s *Server) Secure(config *tls.Config) { s.secure.Store(config) }

// Scheme returns how the URLs of the server begin: http or https.
func (s *Server) Scheme() string {
	if s.secure.Load() != nil {
		return "https"
	}
	return "http"
}
