package upstream

import (
	"time"

	"farmproxy/work"
)

const (
	// coolDown is how long a pool that was left because of illness is passed
	// over while there is another one. Never for good: pools recover.
	coolDown = 10 * time.Minute

	// namesPause is how long a pool is not asked for workers' names that has refused
	// maxNamesNo in a row, or a share for want of authorization: each refusal may
	// take its authorization from the whole link, and a ban be next.
	namesPause = 10 * time.Minute
	maxNamesNo = 8

	// steady is how long a link must have lived for the pool's failures to be
	// forgotten: a pool that accepts and drops has its backoff grow all the same.
	steady = 30 * time.Second
)

// pool is one pool of a route, with the user that works there: what the route's
// lanes and probes know of it between them. endpoint.mu guards it.
type pool struct {
	Pool
	*endpoint
	state     *state          // its size and mask, by URL
	algorithm *work.Algorithm // nil: sha256d

	since       time.Time // healthy since; zero: not healthy, or not known yet
	attempted   time.Time // when it last was attempted to the end, or left
	user        backoff   // of attempts that ended after the answer to subscribe
	cool        time.Time // passed over until then
	attempts    int       // links that exist, of any state
	trying      int       // of them: neither up nor ended
	serving     int       // lanes that it serves
	reason      string    // why the last attempt failed; "" it did not
	namesLogged bool      // a worker was not authorized
	namesYes    bool      // a worker was authorized, ever
	namesNo     int       // names that were not authorized, since the last one that was
	namesAfter  time.Time // no name is asked for before
	difficulty  float64   // that it told last; 0: none yet
	muteLogged  bool      // it does not say what becomes of shares
	watched     bool      // Route.watch runs; Route.mu guards it
}

func newPool(p Pool, e *endpoint, s *state) *pool {
	x := &pool{Pool: p, endpoint: e, state: s}
	if a := &x.Algorithm; a.Name != "" && !(a.Name == "sha256d" && a.Divider == 1) {
		x.algorithm = a
	}
	if size, mask, ok := s.get(p.URL); ok {
		x.book.Extranonce2.Store(uint32(size))
		x.book.VersionMask.Store(mask)
	}
	return x
}

// ready reports that the pool may be tried now.
func (p *pool) ready(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.may(now)
}

func (p *pool) may(now time.Time) bool {
	return p.reach.ready(now, p.dialing) && p.user.ready(now, p.trying)
}

// begin counts a link that begins, if one may now. Each wants one tried and one
// ended.
func (p *pool) begin(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dialing >= maxDialing || !p.may(now) {
		return false
	}
	p.count()
	return true
}

// probed is begin for a probe, which waits for nobody.
func (p *pool) probed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.book.Probes.Add(1)
	p.count()
}

func (p *pool) count() {
	p.attempts++
	p.trying++
	p.dialing++
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
	return !p.since.IsZero() && now.Sub(p.since) >= d && !now.Before(p.cool) && !p.reach.down
}

// grantedBits reports that the pool has ever let version bits be rolled.
func (p *pool) grantedBits() bool { return p.state.granted(p.URL) }

// fewerBits reports whether it is to be said that the pool gives fewer version
// bits than before.
func (p *pool) fewerBits(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.bitsLogged) < fewerPause {
		return false
	}
	p.bitsLogged = now
	return true
}

// untried reports that nothing is known of the pool: it was never tried.
func (p *pool) untried() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempted.IsZero()
}

// fits reports that the pool has room for a miner with prefix x, as far as is
// known.
func (p *pool) fits(x Prefix) bool {
	size, _, known := p.state.get(p.URL)
	return !known || roomFor(size, x)
}

// succeed notes an attempt that got a job.
func (p *pool) succeed(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		p.since = now
	}
	p.attempted, p.reason = now, ""
	p.user.next, p.user.down = time.Time{}, false
	p.book.Up.Store(true)
	p.book.LastError.Store(nil)
}

// fail notes an attempt that began at started and failed at now, after the
// pool's answer to subscribe or before. It reports whether this is news to the
// operator.
func (p *pool) fail(now, started time.Time, max time.Duration, reached bool, err error) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if reached {
		p.user.fail(now, started, max)
	} else {
		p.reach.fail(now, started, max)
	}
	return p.blame(now, reached, err)
}

// lost notes that a link ended that had been up for age. again says that the
// pool is tried again at once; else it gets a pause.
func (p *pool) lost(now time.Time, age, max time.Duration, again bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age >= steady {
		p.user.failures = 0
	}
	if !again {
		p.user.grow(now, max)
	}
	p.blame(now, true, err)
}

// blame keeps err as the reason why the pool is not up: for this route, and for
// all that look at it, unless others are served there. The caller has the lock.
func (p *pool) blame(now time.Time, reached bool, err error) (news bool) {
	text := err.Error()
	news = p.reason != text
	p.since, p.attempted, p.reason = time.Time{}, now, text
	p.book.Failures.Add(1)
	if reached && p.active > 0 {
		return news
	}
	last := p.book.LastError.Swap(&text)
	p.book.Up.Store(false)
	if !reached { // one of many accounts is enough to say it
		news = last == nil || *last != text
	}
	return news
}

// chill passes the pool over until now + coolDown.
func (p *pool) chill(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cool, p.since = now.Add(coolDown), time.Time{}
}

// tried notes that a link is up, or has ended without.
func (p *pool) tried() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trying--
	p.dialing--
}

// ended notes that a link is no more.
func (p *pool) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts--
}

// serve counts a lane that the pool serves from now on (1) or no more (-1).
func (p *pool) serve(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving += n
	p.active += n
	p.book.Active.Store(p.active > 0)
}

// serves reports that at least one lane of the route is on the pool.
func (p *pool) serves() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.serving > 0
}

// due reports that the pool was not seen for d and has no link now.
func (p *pool) due(now time.Time, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempts == 0 && (p.attempted.IsZero() || now.Sub(p.attempted) >= d)
}

// doubtsNames reports that the pool has not authorized some worker: shares do
// not wait for it to authorize another.
func (p *pool) doubtsNames() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.namesLogged
}

// asksNames reports that the pool may be asked to authorize workers' names.
func (p *pool) asksNames(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !now.Before(p.namesAfter)
}

// quietNames has no name asked for at the pool for a while.
func (p *pool) quietNames(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.namesNo, p.namesAfter = 0, now.Add(namesPause)
}

// authorizedName notes that the pool has authorized a worker's name.
func (p *pool) authorizedName() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.namesNo, p.namesYes = 0, true
}

// knowsNames reports that the pool has ever authorized a worker's name.
func (p *pool) knowsNames() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.namesYes
}

// refusedName counts a worker that the pool would not authorize, and reports
// whether it is the first one. With several in a row no more is asked for, for a
// while.
func (p *pool) refusedName(now time.Time) (first bool) {
	p.book.NamesRefused.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	first = !p.namesLogged
	p.namesLogged = true
	if p.namesNo++; p.namesNo >= maxNamesNo {
		p.namesNo, p.namesAfter = 0, now.Add(namesPause)
	}
	return first
}

// mute notes that the pool does not say what becomes of shares, and reports
// whether that is news.
func (p *pool) mute() (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = !p.muteLogged
	p.muteLogged = true
	return first
}
