package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// Timeout bounds a dial, TCP and TLS together: long enough for three SYNs over the
// slowest satellite link.
const Timeout = 10 * time.Second

// Files is how many descriptors a dial without proxies takes at a time: two to look the
// name up or to race two of its addresses, and one for the loop that takes the
// connection over. Each proxy adds one.
const Files = 3

// Target is what a dial needs to know of a pool.
type Target struct {
	Name    string      // in logs and metrics
	URL     string      // without credentials; identifies the target
	Address string      // host:port to dial
	Host    string      // the host of Address; for TLS
	TLS     *tls.Config // nil: plain; see TLS
}

// At returns the target with another address.
func (t Target) At(address string) Target {
	t.Address = address
	t.Host, _, _ = net.SplitHostPort(address)
	if t.TLS != nil {
		t.TLS = t.TLS.Clone()
		t.TLS.ServerName = t.Host
	}
	return t
}

// Direct connects to a target without a proxy: TCP, and TLS if the target uses it.
func Direct(ctx context.Context, t Target) (net.Conn, error) {
	conn, err := tcp.dial(ctx, t.Address)
	if err != nil {
		return nil, err
	}
	return secure(ctx, conn, t)
}

// secure returns conn, which leads to the target, with TLS over it if the target uses
// TLS. It closes conn on failure.
func secure(ctx context.Context, conn net.Conn, t Target) (net.Conn, error) {
	if t.TLS == nil {
		return conn, nil
	}
	c := tls.Client(conn, t.TLS)
	if err := c.HandshakeContext(ctx); err != nil {
		forsake(ctx, conn)
		return nil, explainTLS(err)
	}
	return c, nil
}

// forsake closes a connection that came to nothing: the next attempt begins with
// another address, unless the connection was merely no longer needed.
func forsake(ctx context.Context, conn net.Conn) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		Rate(conn, false)
	}
	conn.Close()
}
