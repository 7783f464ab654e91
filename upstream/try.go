package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"farmproxy/dial"
)

// Offer is what a pool gives a link.
type Offer struct {
	Extranonce2 int           // bytes
	Mask        uint32        // version bits that may be rolled; 0: none
	Difficulty  float64       // with the first job
	Certificate string        // SHA-256 of the pool's, as tls_fingerprint takes it; "": no TLS
	Until       time.Time     // when the first certificate of its chain ends; zero: no TLS, or it does not matter
	Signer      string        // whose end that is, above the pool's own; "": its own
	Time        time.Time     // the pool's, by its first job; zero: no job came
	Job         time.Duration // from the dial to the first job; 0: there was no user to get one for
}

// Try goes through a pool's handshake as far as the first job, and hangs up. It
// returns what the pool gave, or why it gave nothing. Without a user it ends
// where the pool asks for one. connect is DirectoryOptions' Dial.
func Try(ctx context.Context, p Pool, connect func(context.Context, dial.Target) (net.Conn, error), log *slog.Logger) (Offer, error) {
	g := NewDirectory(DirectoryOptions{Log: log, Settings: Settings{Dial: connect}}, nil).newRoute(Entry{Goals: Whole(p)}).list()[0] // a probe publishes nothing
	x := g.list()[0]
	x.probed()
	k := g.newLink(ctx, x, nil, linkFiles{})
	defer k.tried()
	err := k.run()
	o := Offer{Mask: k.protocol.mask, Difficulty: k.protocol.difficulty}
	if c, ok := k.conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		if list := c.ConnectionState().PeerCertificates; len(list) > 0 {
			o.Certificate = dial.Fingerprint(list[0])
		}
	}
	if c, matters := dial.Shown(k.conn, p.Target); matters {
		o.Until, o.Signer = c.Ends, c.Signer
	}
	if e := k.epoch.Load(); e != nil {
		o.Extranonce2 = e.size
	}
	if job := k.protocol.job; job != nil {
		o.Time = time.Unix(int64(job.NTime), 0)
	}
	switch {
	case errors.Is(err, errProbed):
		o.Job = time.Since(k.started)
	case ctx.Err() != nil:
		return o, fmt.Errorf("no job within the time limit: %w", context.Cause(ctx))
	case p.User != "" || !k.protocol.reached:
		return o, err
	}
	return o, nil
}
