package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// dial connects to a pool directly: TCP, and TLS where the pool has it.
func dial(ctx context.Context, p Pool) (net.Conn, error) {
	conn, err := tcp.dial(ctx, p.Address)
	if err != nil {
		return nil, err
	}
	return secure(ctx, conn, p)
}

// secure returns conn, which leads to the pool, with TLS over it where the pool
// has it. It closes conn when that fails.
func secure(ctx context.Context, conn net.Conn, p Pool) (net.Conn, error) {
	if p.TLS == nil {
		return conn, nil
	}
	c := tls.Client(conn, p.TLS)
	if err := c.HandshakeContext(ctx); err != nil {
		forsake(ctx, conn)
		return nil, explainTLS(err)
	}
	return c, nil
}

// forsake closes a connection that came to nothing: the next attempt begins with
// another address, unless it was only not needed any more.
func forsake(ctx context.Context, conn net.Conn) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		socketOf(conn).rate(false)
	}
	conn.Close()
}

// at returns the pool at another address of its domain.
func (p Pool) at(address string) Pool {
	p.Address = address
	p.Host, _, _ = net.SplitHostPort(address)
	if p.TLS != nil {
		p.TLS = p.TLS.Clone()
		p.TLS.ServerName = p.Host
	}
	return p
}
