package upstream

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// keepAlive notices within 30 s a peer that is gone without a word, while
// nothing is sent: a share in flight would show it in answerTimeout.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// dial connects to a pool: TCP, and TLS where the pool has it.
func dial(ctx context.Context, p Pool) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive, Control: setUserTimeout}
	conn, err := d.DialContext(ctx, "tcp", p.Address)
	if err != nil || p.TLS == nil {
		return conn, err
	}
	secure := tls.Client(conn, p.TLS)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, explainTLS(err)
	}
	return secure, nil
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
