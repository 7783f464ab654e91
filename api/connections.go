package api

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// Bounds on connections. When there is no room for a newcomer, a connection that is
// waiting for its next request, or has not sent its first, gives way: opening
// connections and leaving them idle keeps nobody else out.
const (
	// maxConnections is far above what a farm's monitoring opens, and far below the
	// file descriptors kept back from miners.
	maxConnections = 128

	// maxPerClient is the limit per address, or per /64 of IPv6: no client can take
	// them all.
	maxPerClient = maxConnections / 2

	// keptForHealth is room for extra connections when all others are busy, for
	// /healthz and /readyz only. Those wait for nothing, so this room soon frees up.
	keptForHealth = 16

	// MaxConnections is the limit for all kinds together: each takes a file descriptor.
	MaxConnections = maxConnections + keptForHealth

	// stallTime is how long a client may take for each piece of an answer, so that one
	// that stopped reading loses its connection before writeTimeout.
	stallTime = 10 * time.Second

	// writePiece is the size of a piece in bytes: 1.6 kB/s, which even the worst line
	// manages.
	writePiece = 16 << 10
)

// connections tracks the open ones.
type connections struct {
	most, perClient int // see the constants
	now             func() time.Time
	began           time.Time

	mu      sync.Mutex
	open    map[*conn]struct{}
	clients map[netip.Prefix]int // number of connections of each
}

func newConnections() *connections {
	return &connections{
		most:      maxConnections,
		perClient: maxPerClient,
		now:       time.Now,
		began:     time.Now(),
		open:      make(map[*conn]struct{}),
		clients:   make(map[netip.Prefix]int),
	}
}

// conn is a client's connection. The mutex of of guards its state.
type conn struct {
	net.Conn
	of     *connections
	client netip.Prefix
	until  time.Time // deadline of the answer being written; only its own goroutine uses it

	lasting  atomic.Bool  // the answer being written has no deadline as a whole
	progress atomic.Int64 // when the client last took a piece of an answer, or was admitted: nanoseconds since of.began

	healthOnly bool      // there was no room for more; immutable
	busy       bool      // a request is being answered
	since      time.Time // when it became idle
	closed     bool
}

// admit makes room for a connection, or returns nil if there is none.
func (t *connections) admit(nc net.Conn) *conn {
	c := &conn{Conn: nc, of: t, client: clientOf(nc)}
	victim, ok := t.add(c)
	if victim != nil {
		_ = victim.Close() // it may be closed already, which is just as good
	}
	if !ok {
		_ = nc.Close()
		return nil
	}
	return c
}

// add adds c if there is room, or if closing victim makes room.
func (t *connections) add(c *conn) (victim *conn, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	crowded := t.clients[c.client] >= t.perClient
	if crowded || len(t.open) >= t.most {
		victim = t.idlest(c.client, crowded)
		if victim != nil {
			t.drop(victim)
		}
		c.healthOnly = victim == nil || victim.healthOnly
		if len(t.open) >= t.most+keptForHealth || t.clients[c.client] >= t.perClient+keptForHealth {
			return victim, false
		}
	}
	c.since = t.now()
	t.open[c] = struct{}{}
	t.clients[c.client]++
	return victim, true
}

// idlest returns the connection that will be missed least: the longest idle one of the
// client with the most connections, or of the given client if own. It returns nil if
// all are busy. The caller holds t.mu.
func (t *connections) idlest(client netip.Prefix, own bool) (idlest *conn) {
	for c := range t.open {
		if c.busy || own && c.client != client {
			continue
		}
		if idlest == nil || t.clients[c.client] > t.clients[idlest.client] ||
			t.clients[c.client] == t.clients[idlest.client] && c.since.Before(idlest.since) {
			idlest = c
		}
	}
	return idlest
}

// drop removes a connection; the caller holds t.mu.
func (t *connections) drop(c *conn) {
	if c.closed {
		return
	}
	c.closed = true
	delete(t.open, c)
	if t.clients[c.client]--; t.clients[c.client] == 0 {
		delete(t.clients, c.client)
	}
}

// answering records that a request is being answered.
func (c *conn) answering() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.busy = true
}

// moved records that the client took something.
func (c *conn) moved() { c.progress.Store(int64(c.of.now().Sub(c.of.began))) }

// stalled returns the time since the client last took something.
func (c *conn) stalled() time.Duration {
	return c.of.now().Sub(c.of.began) - time.Duration(c.progress.Load())
}

// Read implements net.Conn. A reader has already written its last answer.
func (c *conn) Read(p []byte) (int, error) {
	c.of.mu.Lock()
	if c.busy {
		c.busy, c.since = false, c.of.now()
	}
	c.of.mu.Unlock()
	return c.Conn.Read(p)
}

// SetWriteDeadline implements net.Conn; Write keeps the deadline, unless the answer lasts.
func (c *conn) SetWriteDeadline(until time.Time) error {
	c.until = until
	return nil
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), writePiece)]
		end := c.of.now().Add(stallTime)
		if !c.until.IsZero() && c.until.Before(end) && !c.lasting.Load() {
			end = c.until
		}
		if err := c.Conn.SetWriteDeadline(end); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(piece)
		if written += n; err != nil {
			return written, err
		}
		c.moved()
		p = p[n:]
	}
	return written, nil
}

// Close implements net.Conn. Anyone may call it, more than once.
func (c *conn) Close() error {
	c.of.mu.Lock()
	c.of.drop(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// connOf returns the connection of a request.
func connOf(ctx *fasthttp.RequestCtx) *conn {
	nc := ctx.Conn()
	if secure, ok := nc.(*tls.Conn); ok {
		nc = secure.NetConn()
	}
	c, _ := nc.(*conn)
	return c
}

// clientOf returns what counts as one client.
func clientOf(c net.Conn) netip.Prefix {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{} // not TCP
	}
	return network(a.Addr())
}
