package api

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// maxClients bounds how many addresses are tracked; any beyond share one allowance.
const maxClients = 10_000

// limiter allows each client address a number of requests a minute, all at once if need
// be.
type limiter struct {
	now func() time.Time

	mu        sync.Mutex
	perMinute float64 // 0: any number
	clients   map[netip.Prefix]*allowance
}

// allowance is what a client has left.
type allowance struct {
	requests float64
	at       time.Time // when it had that much
}

func newLimiter(perMinute int) *limiter {
	return &limiter{perMinute: float64(perMinute), now: time.Now, clients: make(map[netip.Prefix]*allowance)}
}

// allow sets a new limit for each client. A client keeps what it has left, up to the
// new limit.
func (l *limiter) allow(perMinute int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perMinute = float64(perMinute)
}

// take takes one request from the client's allowance. If that is not enough, it returns
// how long to wait.
func (l *limiter) take(client netip.Addr) (wait time.Duration, ok bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perMinute == 0 {
		return 0, true
	}
	a := l.find(network(client), now)
	a.refill(now, l.perMinute)
	if a.requests < 1 {
		return time.Duration((1 - a.requests) / l.perMinute * float64(time.Minute)), false
	}
	a.requests--
	return 0, true
}

// find finds or makes an allowance; the caller holds l.mu.
func (l *limiter) find(client netip.Prefix, now time.Time) *allowance {
	if a := l.clients[client]; a != nil {
		return a
	}
	if len(l.clients) >= maxClients {
		l.sweep(now)
	}
	if len(l.clients) >= maxClients {
		client = netip.Prefix{}
		if a := l.clients[client]; a != nil {
			return a
		}
	}
	a := &allowance{l.perMinute, now}
	l.clients[client] = a
	return a
}

// sweep drops clients whose allowance is full; the caller holds l.mu.
func (l *limiter) sweep(now time.Time) {
	for client, a := range l.clients {
		if a.refill(now, l.perMinute); a.requests >= l.perMinute {
			delete(l.clients, client)
		}
	}
}

func (a *allowance) refill(now time.Time, perMinute float64) {
	if now.After(a.at) {
		a.requests = min(perMinute, a.requests+now.Sub(a.at).Minutes()*perMinute)
		a.at = now
	}
}

// network returns what counts as one client: an address, or a /64 of IPv6, since a
// single machine may have every address in it.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// limit refuses a client that registers too often.
func (s *Server) limit(ctx *fasthttp.RequestCtx) error {
	wait, ok := s.registrations.take(callerOf(ctx))
	if ok {
		return nil
	}
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	ctx.Response.Header.Set("Retry-After", strconv.Itoa(seconds))
	return &httpError{
		fasthttp.StatusTooManyRequests,
		fmt.Sprintf("too many registrations from your address: try again in %d s, or raise http.registrations_per_minute, which is %v", seconds, s.settings.Load().RegistrationsPerMinute),
	}
}
