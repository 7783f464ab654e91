package upstream

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/stats"
)

const (
	// backoffMin is the pause after a first failure; it doubles with each further one,
	// up to Failover.BackoffMax.
	backoffMin = time.Second

	// maxTrials is how many links at a time try a pool that failed last time: enough
	// for a farm's own links, without a thousand accounts all knocking at a dead pool.
	maxTrials = 4

	// maxDialing is how many links at a time dial one healthy pool: a thousand miners
	// that connect at once have their links within seconds, and the pool does not take
	// them for an attack.
	maxDialing = 256
)

// endpoint is what all goals to one pool share: whether it can be reached, and its
// counters. What it says to a user belongs to that user's goal (pool).
type endpoint struct {
	book *stats.Pool

	mu      sync.Mutex    // also guards the parts of each goal's pool
	order   atomic.Uint32 // what the operator wants of it, a PoolOrder
	reach   backoff       // for attempts that ended before the answer to subscribe
	dialing int           // links that are neither up nor ended
	active  int           // lanes it serves

	hushed bool    // there is a quiet link
	pauses backoff // between quiet links

	leftOut    leftOut
	bitsLogged time.Time // when it was last logged that it gives fewer version bits

	certificateAt time.Time // when it last showed its certificate, or was asked for it
}

// endpointKey identifies the endpoint of a goal's pool.
type endpointKey struct{ name, url string }

// backoff is the pause between failing attempts. Its owner's mutex guards it.
type backoff struct {
	down     bool      // the last attempt failed
	failed   time.Time // time of the last failure
	failures int       // in a row
	next     time.Time // no attempt before
}

// fail records an attempt that began at started and failed at now. Attempts that fail
// together count once.
func (b *backoff) fail(now, started time.Time, max time.Duration) {
	if !started.Before(b.failed) {
		b.grow(now, max)
	}
	b.down = true
}

// grow lengthens the pause before the next attempt.
func (b *backoff) grow(now time.Time, max time.Duration) {
	b.failures++
	pause := min(backoffMin<<min(b.failures-1, 20), max)
	b.next = now.Add(pause/2 + rand.N(pause/2+1))
	b.failed = now
}

// ready reports whether another attempt may begin beside those under way.
func (b *backoff) ready(now time.Time, trying int) bool {
	return !now.Before(b.next) && (!b.down || trying < maxTrials)
}

// reachable records that the pool has answered subscribe.
func (e *endpoint) reachable() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reach = backoff{}
}
