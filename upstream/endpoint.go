package upstream

import (
	"math/rand/v2"
	"sync"
	"time"

	"farmproxy/stats"
)

const (
	// backoffMin is the pause after a first failure; it doubles with each
	// further one up to Failover.BackoffMax.
	backoffMin = time.Second

	// maxTrials is how many links at once try a pool that was down the last
	// time: enough for a farm's own links, and a thousand accounts do not all
	// knock at a dead pool.
	maxTrials = 4

	// maxDialing is how many links at once dial one pool that is well: a
	// thousand miners that come at once have their links within seconds, and
	// the pool does not take them for an attack.
	maxDialing = 256
)

// endpoint is what all routes that lead to one pool share: whether it can be
// reached, and what is counted. What it says to a user is that user's route's
// own (pool).
type endpoint struct {
	book *stats.Pool

	mu      sync.Mutex // also guards what each route's pool has of its own
	reach   backoff    // of attempts that ended before the answer to subscribe
	dialing int        // links that are neither up nor ended
	active  int        // lanes that it serves

	leftOut    leftOut
	bitsLogged time.Time // when it was last said that it gives fewer version bits
}

// endpointKey is what makes two routes' pools one endpoint.
type endpointKey struct{ name, url string }

// backoff is the pause between attempts that fail. Its owner's mutex guards it.
type backoff struct {
	down     bool      // the last attempt failed
	failed   time.Time // when one did last
	failures int       // in a row
	next     time.Time // no attempt before
}

// fail notes an attempt that began at started and failed at now. Attempts that
// fail together count once.
func (b *backoff) fail(now, started time.Time, max time.Duration) {
	if !started.Before(b.failed) {
		b.grow(now, max)
	}
	b.down = true
}

// grow makes the pause before the next attempt.
func (b *backoff) grow(now time.Time, max time.Duration) {
	b.failures++
	pause := min(backoffMin<<min(b.failures-1, 20), max)
	b.next = now.Add(pause/2 + rand.N(pause/2+1))
	b.failed = now
}

// ready reports that another attempt may begin beside those that are under way.
func (b *backoff) ready(now time.Time, trying int) bool {
	return !now.Before(b.next) && (!b.down || trying < maxTrials)
}

// reachable notes that the pool has answered subscribe.
func (e *endpoint) reachable() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reach = backoff{}
}
