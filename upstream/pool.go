package upstream

import (
	"math/rand/v2"
	"sync"
	"time"

	"farmproxy/stats"
)

const (
	// backoffMin is the pause after a pool's first failure; it doubles with
	// each further one up to Failover.BackoffMax.
	backoffMin = time.Second

	// coolDown is how long a pool that was left because of illness is passed
	// over while there is another one. Never for good: pools recover.
	coolDown = 10 * time.Minute

	// steady is how long a link must have lived for the pool's failures to be
	// forgotten: a pool that accepts and drops has its backoff grow all the same.
	steady = 30 * time.Second

	// maskDefault is granted while no pool has said what it allows: the 16 bits
	// of BIP 320, which every pool that rolls at all lets roll.
	maskDefault = 0x1fffe000

	// sizeDefault stands for the extranonce2 size of a pool that has not been
	// seen yet: the smallest that serves 65,536 miners a link.
	sizeDefault = 4

	// sizeMin is the smallest extranonce2 size that can be shared out.
	sizeMin = 3
)

// pool is what a route's lanes and probes know of one pool between them.
type pool struct {
	Pool
	level int
	book  *stats.Pool

	mu          sync.Mutex
	since       time.Time // healthy since; zero: not healthy, or not known yet
	seen        time.Time // when it last was attempted to the end, or left
	failed      time.Time // when the last attempt failed
	failures    int       // in a row
	next        time.Time // no attempt before
	cool        time.Time // passed over until then
	attempts    int       // links that exist, of any state
	active      int       // lanes that it serves
	size        int       // of its extranonce2; 0 not known
	mask        uint32
	maskKnown   bool
	namesLogged bool // a worker was not authorized
	configure   configuring
	askAgain    time.Time // configuring: when configureShunned ends
}

// ready reports that the pool may be tried now.
func (p *pool) ready(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !now.Before(p.next)
}

// cooling reports that the pool is ill and to be passed over.
func (p *pool) cooling(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.cool)
}

// healthy reports that the pool has been in health for at least d: the last
// attempt got subscribe, authorize and a job.
func (p *pool) healthy(now time.Time, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.since.IsZero() && now.Sub(p.since) >= d && !now.Before(p.cool)
}

// fits reports that miners with prefixes of that length have room at the pool,
// as far as is known.
func (p *pool) fits(prefix int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size == 0 || layoutFits(p.size, prefix)
}

// succeed notes an attempt that got a job.
func (p *pool) succeed(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		p.since = now
	}
	p.seen, p.next = now, time.Time{}
	p.book.Up.Store(true)
	p.book.LastError.Store(nil)
}

// fail notes an attempt that began at started and failed at now. Lanes that
// fail together count once. It reports whether this is news to the operator.
func (p *pool) fail(now, started time.Time, max time.Duration, err error) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !started.Before(p.failed) {
		p.backOff(now, max)
	}
	return p.blame(now, err)
}

// lost notes that a link ended that had been up for age. again says that the
// pool is tried again at once; else it gets a pause.
func (p *pool) lost(now time.Time, age, max time.Duration, again bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age >= steady {
		p.failures = 0
	}
	if !again {
		p.backOff(now, max)
	}
	p.blame(now, err)
}

// backOff makes the pause before the next attempt. The caller has the lock.
func (p *pool) backOff(now time.Time, max time.Duration) {
	p.failures++
	pause := min(backoffMin<<min(p.failures-1, 20), max)
	p.next = now.Add(pause/2 + rand.N(pause/2+1))
	p.failed = now
}

// blame keeps err as the reason why the pool is not up. The caller has the lock.
func (p *pool) blame(now time.Time, err error) (news bool) {
	p.since, p.seen = time.Time{}, now
	text := err.Error()
	last := p.book.LastError.Swap(&text)
	p.book.Up.Store(false)
	p.book.Failures.Add(1)
	return last == nil || *last != text
}

// chill passes the pool over until now + coolDown.
func (p *pool) chill(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cool, p.since = now.Add(coolDown), time.Time{}
}

// attempt counts a link that begins (1) or ends (-1).
func (p *pool) attempt(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts += n
}

// serve counts a lane that the pool serves from now on (1) or no more (-1).
func (p *pool) serve(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active += n
	p.book.Active.Store(p.active > 0)
}

// serves reports that at least one lane is on the pool.
func (p *pool) serves() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.active > 0
}

// due reports that the pool was not seen for d and has no link now.
func (p *pool) due(now time.Time, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempts == 0 && (p.seen.IsZero() || now.Sub(p.seen) >= d)
}

// learn keeps the pool's extranonce2 size and version mask, and reports
// whether one of them is new.
func (p *pool) learn(size int, mask uint32) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed = p.size != size || p.mask != mask || !p.maskKnown
	p.size, p.mask, p.maskKnown = size, mask, true
	p.book.Extranonce2.Store(uint32(size))
	p.book.VersionMask.Store(mask)
	return changed
}

// known returns what learn kept: size 0 and known false when it kept nothing.
func (p *pool) known() (size int, mask uint32, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size, p.mask, p.maskKnown
}

// doubtsNames reports that the pool has not authorized some worker: shares do
// not wait for it to authorize another.
func (p *pool) doubtsNames() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.namesLogged
}

// refusedName counts a worker that the pool would not authorize, and reports
// whether it is the first one.
func (p *pool) refusedName() (first bool) {
	p.book.NamesRefused.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	first = !p.namesLogged
	p.namesLogged = true
	return first
}
