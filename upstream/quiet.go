package upstream

import (
	"context"
	"errors"
	"slices"
	"time"

	"farmproxy/descriptors"
)

// A quiet link is a link to a pool that no lane is on. It hands in no shares: it hears
// when the pool has new jobs, so that pools can be compared (stats.Book.NewBlock).
//
// It begins as a probe, and says of the pool's health what a probe says: that there was a
// job, or why there was none. Its end afterwards says nothing, since many pools close a link
// without shares, but that the pool is to be looked at again. While it is up it stands for the
// probes that would be made.
//
// It is nobody's but the directory's, so no other process takes it over: that one dials
// its own.

// errUnwanted ends a quiet link.
var errUnwanted = errors.New("the quiet link is not needed any more")

// listens reports that a quiet link to the pool is to be kept: none but a kept goal has
// one, or a thousand accounts would have a thousand each. Any goroutine.
func (g *Goal) listens(p *pool) bool {
	q := &g.directory.settings.Load().Quiet
	return q.Links && g.Kept && !g.isRetired() && g.leads(p) && p.ordered() != Disabled && !p.isServed() && !slices.Contains(q.Except, p.Name)
}

// isRetired reports that the goal is another one by now: nobody watches its pools for it.
func (g *Goal) isRetired() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.retired.IsZero()
}

// listen opens a quiet link to a pool.
func (g *Goal) listen(p *pool) {
	files, ok := g.directory.hold(descriptors.Probe)
	if !ok {
		return // miners come first
	}
	if !p.hush() {
		files.keep(0)
		return
	}
	p.probed()
	if !g.directory.run(func(ctx context.Context) { g.hear(ctx, p, files) }) {
		files.keep(0)
		p.tried()
		p.ended()
		p.unhush(time.Now(), 0, 0, true)
	}
}

// hear lives as long as a quiet link does.
func (g *Goal) hear(ctx context.Context, p *pool, files linkFiles) {
	k := g.newLink(ctx, p, nil, files)
	k.quiet = true
	err := k.run()
	defer k.tried()
	now, most := time.Now(), g.failover().ProbeEvery
	ours := errors.Is(err, errClosed) || errors.Is(err, errUnwanted)
	p.unhush(now, now.Sub(k.started), most, ours)
	switch {
	case errors.Is(err, errUnwanted): // perhaps another goal wants one
		g.directory.lookAgain(p.endpoint)
	case ours:
	case k.protocol.up():
		p.book.QuietDisconnects.Add(1)
		k.log.Debug("quiet link ended", "reason", err)
		g.directory.lookAgain(p.endpoint)
	case p.fail(now, k.started, g.failover().BackoffMax, k.protocol.reached, err):
		k.log.Warn("probe failed", "reason", err)
	}
}

// tire reports why a quiet link is to end; nil: it goes on. The loop that carries it calls
// it every second or so.
func (k *link) tire(now time.Time) error {
	k.files.keep(1) // what it took besides to get here is closed
	switch {
	case !k.goal.listens(k.pool):
		return errUnwanted
	case k.silent(now, k.goal.failover().Silence):
		return errSilent
	}
	return nil
}

// isServed reports that a lane of any goal is on the pool, whose link hears its jobs.
func (e *endpoint) isServed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.active > 0
}

// hush notes that a quiet link begins, unless there is one, of whatever goal.
func (p *pool) hush() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hushed {
		return false
	}
	p.hushed, p.quiet = true, true
	return true
}

// unhush notes the end of a quiet link that lived for age. The next one comes at once, by
// which it is known whether the pool is down; if that one does not last, after a pause that
// grows, up to most. One that farmproxy has ended says nothing of that (ours).
func (p *pool) unhush(now time.Time, age, most time.Duration, ours bool) {
	p.book.Quiet.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hushed, p.quiet = false, false
	switch {
	case ours:
	case age >= steady:
		p.pauses = backoff{}
	case p.pauses.failures == 0:
		p.pauses.failures = 1
	default:
		p.pauses.grow(now, most)
	}
}

// lookAgain has everybody who may keep a quiet link to the pool look at it as soon as they
// may: nobody else would notice soon that it is down. The link that has ended may have been
// one of a goal that is retired, and watches nothing any more.
func (d *Directory) lookAgain(e *endpoint) {
	for _, g := range d.Goals() {
		for _, p := range g.list() {
			if g.Kept && p.endpoint == e {
				p.rouse()
			}
		}
	}
}

// rouse has who watches the pool look at it.
func (p *pool) rouse() {
	select {
	case p.quietEnd <- struct{}{}:
	default: // that is to be done already
	}
}

// pause returns how long it is until a quiet link may be opened again.
func (e *endpoint) pause(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(0, e.pauses.next.Sub(now))
}

// isHushed reports that there is a quiet link.
func (e *endpoint) isHushed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.hushed
}

// mayListen reports that the pool is well, has no link, and that a quiet one may be opened.
func (p *pool) mayListen(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempts == 0 && !p.hushed && !p.since.IsZero() && !now.Before(p.cool) && !p.reach.down && p.pauses.ready(now, 0)
}

// mayReach reports that the pool could not be reached, and that the pause after that is over.
// One that can be reached, and refuses the user, is left alone for longer.
func (e *endpoint) mayReach(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reach.down && !now.Before(e.reach.next)
}
