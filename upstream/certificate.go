package upstream

import (
	"context"
	"net"
	"time"

	"farmproxy/descriptors"
	"farmproxy/dial"
	"farmproxy/stats"
)

// Each link notes when its pool's certificates end, so that operators hear of it before new
// links are refused. A link may outlive the certificate that it was shown: while one does,
// the pool is asked for its present one.

// certificateEvery is how often that is done at most: certificates last for weeks at
// least, and the warning is given 14 days before the end.
const certificateEvery = 24 * time.Hour

// certificateAgain is how soon it is tried again when there was no descriptor for it.
const certificateAgain = 5 * time.Minute

// shown notes which certificate a connection to the pool was shown.
func (p *pool) shown(conn net.Conn, to dial.Target, now time.Time) {
	if c, matters := dial.Shown(conn, to); matters {
		p.book.Certificate.Store(&stats.PoolCertificate{Ends: c.Ends, Signer: c.Signer, Pinned: c.Pinned})
	} else {
		p.book.Certificate.Store(nil)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.certificateAt = now
}

// certificateDue reports whether the pool has a link, and is to be asked for its certificate
// now; it notes that it is.
func (p *pool) certificateDue(now time.Time) bool {
	if p.book.Certificate.Load() == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attempts == 0 || now.Sub(p.certificateAt) < certificateEvery { // the next link shows it
		return false
	}
	p.certificateAt = now
	return true
}

// certificateLater has the pool asked soon, since it could not be now.
func (p *pool) certificateLater(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.certificateAt = now.Add(certificateAgain - certificateEvery)
}

// askCertificate connects to a pool for its certificate alone, if that is due. It says
// nothing of the pool's health: links and probes do.
func (g *Goal) askCertificate(p *pool, to dial.Target, now time.Time) {
	if !p.certificateDue(now) {
		return
	}
	files, ok := g.directory.hold(descriptors.Probe)
	if !ok { // miners come first
		p.certificateLater(now)
		return
	}
	ask := func(ctx context.Context) {
		defer files.keep(0)
		ctx, cancel := context.WithTimeout(ctx, dial.Timeout)
		defer cancel()
		conn, err := g.directory.settings.Load().Dial(ctx, to)
		switch {
		case err == nil:
			p.shown(conn, to, time.Now())
			conn.Close()
		case context.Cause(ctx) != context.Canceled:
			g.log.Warn("the pool was asked for its certificate, and refused: its links live on, but no new one could be made", "pool", p.Name, "reason", err)
		}
	}
	if !g.directory.run(ask) {
		files.keep(0)
	}
}
