package upstream

import (
	"time"

	"farmproxy/work"
)

const (
	// coolDown is how long an ill pool is avoided while there is another one. Never for
	// good: pools recover.
	coolDown = 10 * time.Minute

	// namesPause is how long no workers' names are sent to a pool that has refused
	// maxNamesNo in a row, or a share for lack of authorization: each refusal may cost
	// the whole link its authorization, and a ban could follow.
	namesPause = 10 * time.Minute
	maxNamesNo = 8

	// steady is how long a link must have lived before the pool's failures are
	// forgotten: the backoff of a pool that accepts and drops keeps growing.
	steady = 30 * time.Second
)

// pool is one pool of a goal, with the goal's user there: what the goal's lanes and
// probes jointly know about it. endpoint.mu guards it.
type pool struct {
	Pool
	*endpoint
	state     *state          // its size and mask, by URL
	algorithm *work.Algorithm // nil: sha256d

	since       time.Time // healthy since; zero: not healthy, or not known yet
	attempted   time.Time // when an attempt last completed, or the pool was left
	user        backoff   // for attempts that ended after the answer to subscribe
	cool        time.Time // avoided until then
	attempts    int       // existing links, in any state
	trying      int       // those neither up nor ended
	serving     int       // lanes it serves
	reason      string    // why the last attempt failed; "": it did not
	namesLogged bool      // a worker was not authorized
	namesYes    bool      // a worker was once authorized
	namesNo     int       // names refused since the last authorized one
	namesAfter  time.Time // no name is sent before this time
	difficulty  float64   // the last one received; 0: none yet
	muteLogged  bool      // it does not answer shares
	watched     bool      // Goal.watch runs; Goal.mu guards it
	quiet       bool      // one of attempts is a quiet link

	quietEnd chan struct{} // the pool has ended a quiet link: Goal.watch looks again
}

func newPool(p Pool, e *endpoint, s *state) *pool {
	x := &pool{Pool: p, endpoint: e, state: s, quietEnd: make(chan struct{}, 1)}
	if a := &x.Algorithm; a.Name != "" && !(a.Name == "sha256d" && a.Divider == 1) {
		x.algorithm = a
	}
	if size, mask, ok := s.get(p.URL); ok {
		x.book.Extranonce2.Store(uint32(size))
		x.book.VersionMask.Store(mask)
	}
	return x
}

// ready reports whether the pool may be tried now.
func (p *pool) ready(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.may(now)
}

func (p *pool) may(now time.Time) bool {
	return p.reach.ready(now, p.dialing) && p.user.ready(now, p.trying)
}

// begin counts a new link, if one may begin now. Each requires one call of tried and
// one of ended.
func (p *pool) begin(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dialing >= maxDialing || !p.may(now) {
		return false
	}
	p.count()
	return true
}

// probed is begin for a probe, which never waits.
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

// cooling reports whether the pool is ill and must be avoided.
func (p *pool) cooling(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.cool)
}

// healthy reports whether the pool has been healthy for at least d: the last attempt
// got subscribe, authorize and a job.
func (p *pool) healthy(now time.Time, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.since.IsZero() && now.Sub(p.since) >= d && !now.Before(p.cool) && !p.reach.down
}

// grantedBits reports whether the pool has ever allowed version rolling.
func (p *pool) grantedBits() bool { return p.state.granted(p.URL) }

// fewerBits reports whether to log that the pool gives fewer version bits than before.
func (p *pool) fewerBits(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.bitsLogged) < fewerPause {
		return false
	}
	p.bitsLogged = now
	return true
}

// untried reports whether the pool was never tried.
func (p *pool) untried() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempted.IsZero()
}

// fits reports whether the pool, as far as known, has room for a miner with prefix x.
func (p *pool) fits(x Prefix) bool {
	size, _, known := p.state.get(p.URL)
	return !known || roomFor(size, x)
}

// succeed records an attempt that got a job.
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

// fail records an attempt that began at started and failed at now; reached means after
// the pool's answer to subscribe. It reports whether this is news to the operator.
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

// lost records the end of a link that had been up for age. again means that the pool is
// tried again at once; otherwise it gets a pause.
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

// blame keeps err as the reason why the pool is down: for this goal, and for everyone
// who looks at it, unless others are served there. The caller holds the lock.
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
	if !reached { // one of many accounts is enough to report it
		news = last == nil || *last != text
	}
	return news
}

// chill makes the goal avoid the pool until now + coolDown.
func (p *pool) chill(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cool, p.since = now.Add(coolDown), time.Time{}
}

// tried records that a link is up, or has ended before that.
func (p *pool) tried() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trying--
	p.dialing--
}

// ended records the end of a link.
func (p *pool) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts--
}

// serve counts a lane that the pool begins (1) or ceases (-1) to serve.
func (p *pool) serve(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving += n
	p.active += n
	p.book.Active.Store(p.active > 0)
}

// serves reports whether at least one lane of the goal is on the pool.
func (p *pool) serves() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.serving > 0
}

// due reports whether the pool was not seen for d and has no link now. A quiet link is
// none where requests are left out: only a probe can try them again.
func (p *pool) due(now time.Time, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := p.attempts
	if p.quiet && (p.leftOut.requests&^untried != 0 || p.leftOut.unanswered) {
		links--
	}
	return links == 0 && (p.attempted.IsZero() || now.Sub(p.attempted) >= d)
}

// doubtsNames reports whether the pool has refused some worker: shares then do not wait
// for it to authorize another.
func (p *pool) doubtsNames() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.namesLogged
}

// asksNames reports whether the pool may be asked to authorize workers' names.
func (p *pool) asksNames(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !now.Before(p.namesAfter)
}

// quietNames stops asking the pool for names for a while.
func (p *pool) quietNames(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.namesNo, p.namesAfter = 0, now.Add(namesPause)
}

// authorizedName records that the pool has authorized a worker's name.
func (p *pool) authorizedName() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.namesNo, p.namesYes = 0, true
}

// knowsNames reports whether the pool has ever authorized a worker's name.
func (p *pool) knowsNames() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.namesYes
}

// refusedName counts a worker that the pool refused to authorize, and reports whether
// it is the first one. After several in a row no more are asked for, for a while.
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

// mute records that the pool does not answer shares, and reports whether that is news.
func (p *pool) mute() (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = !p.muteLogged
	p.muteLogged = true
	return first
}
