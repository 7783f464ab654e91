package api

import (
	"crypto/tls"
	"net"
)

// secured puts TLS on top of a connection, if there is TLS. The handshake comes with the
// first read, on the goroutine of the connection and within readTimeout; until then the
// connection counts as idle, and gives way to others.
func (l *listener) secured(c *conn) net.Conn {
	if l.tls == nil {
		return c
	}
	return tls.Server(c, l.tls)
}

// Scheme returns how the URLs of the server begin: http or https.
func (s *Server) Scheme() string {
	if s.options.TLS != nil {
		return "https"
	}
	return "http"
}
