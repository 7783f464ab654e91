package upstream

import (
	"context"
	"net"
	"time"

	"farmproxy/descriptors"
	"farmproxy/dial"
	"farmproxy/stats"
)

// A pool's certificate is noted by each link, so that operators hear of its end before new
// links are refused. A link may outlive the certificate that it was shown: while one does,
// the pool is asked for its present one.

// certificateEvery is how often that is done at most: certificates last for weeks at
// least, and the warning is given 14 days before the end.
const certificateEvery = 24 * time.Hour

// shown notes which certificate a connection to the pool was shown.
func (p *pool) shown(conn net.Conn, to dial.Target, now time.Time) {
	leaf, pinned := dial.Shown(conn, to)
	if leaf == nil {
		p.book.Certificate.Store(nil)
	} else {
		p.book.Certificate.Store(&stats.PoolCertificate{Ends: leaf.NotAfter, Pinned: pinned})
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

// askCertificate connects to a pool for its certificate alone, if that is due. It says
// nothing of the pool's health: links and probes do.
func (g *Goal) askCertificate(p *pool, to dial.Target, now time.Time) {
	if !p.certificateDue(now) {
		return
	}
	files, ok := g.directory.hold(descriptors.Probe)
	if !ok {
		return // miners come first
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
