package upstream

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"farmproxy/descriptors"
	"farmproxy/stats"
)

const (
	// patience is how long one attempt is waited for alone while there is no
	// link; then the next pool is tried beside it, and the first that is up
	// serves.
	patience = 3 * time.Second

	// A pool whose link has died is tried again without a pause when the link
	// had served for retryLife, or when that was not done for retryPause: a
	// pool that accepts links and drops them at once must not be hammered.
	retryLife  = time.Second
	retryPause = 5 * time.Second

	// drainTime is how long a link that was replaced stays for late shares:
	// longer than a slow miner takes to change to a new job.
	drainTime = 10 * time.Second

	// orphanTime is how long shares wait for their link to come back. After
	// that a new block is likelier than a resumed session.
	orphanTime = 30 * time.Second

	// Pauses between looks at what is due by time.
	tickSeeking = 250 * time.Millisecond // without a link, or with one to be replaced
	tickServing = time.Second

	// lookLate is how late a look must be before it tells that nothing ran: a debugger
	// had stopped the process, or the host its machine. All is overdue then, and what
	// came meanwhile was not read yet: whoever decides waits for the next look.
	lookLate = 5 * time.Second

	// directTicks is how many times longer they are where each miner has a lane
	// of its own: there may be thousands, each of which matters less.
	directTicks = 4
)

// supervise runs the lane until ctx ends, or it is let go, and its links are
// gone.
func (l *Lane) supervise(ctx context.Context) {
	defer l.end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for {
		var e event // of no link: none has said anything
		select {
		case <-ctx.Done():
			l.close()
			return
		case e = <-l.events:
		case <-l.roused:
		case <-timer.C:
		}
		if !l.look(ctx, e, due) {
			l.close()
			return
		}
		d := l.tick()
		timer.Reset(d)
		due = time.Now().Add(d)
	}
}

// look does what is to be done now, unless the directory is frozen: then it waits. due
// is when it had to come at the latest. false: the lane ends.
func (l *Lane) look(ctx context.Context, e event, due time.Time) (goesOn bool) {
	still := &l.goal.directory.still
	still.enter()
	defer still.leave()
	if e.link != nil {
		l.handle(ctx, e)
	}
	now := time.Now()
	if now.Sub(due) > lookLate {
		return true
	}
	if l.goal.lapsed(l, now) {
		return false
	}
	l.forsake()
	l.watch(ctx, now)
	l.decide(ctx, now)
	l.turnAway(now)
	l.tellOutage(now)
	return true
}

// tick is how long the supervisor may sleep.
func (l *Lane) tick() (d time.Duration) {
	d = tickServing
	if !l.settled() || len(l.candidates) > 0 {
		d = tickSeeking
	}
	if l.single() {
		d *= directTicks
	}
	return d
}

// settled reports that the link that serves is to stay.
func (l *Lane) settled() bool {
	return l.serving != nil && l.goal.employs(l.serving.pool) && !l.serving.relayed
}

// end gives back what the lane had of the process's.
func (l *Lane) end() {
	d := l.goal.directory
	l.endOutage(time.Now())
	l.places().leave(l, l.running, time.Now()) // nobody starts it any more
	if l.dismissed.Load() {
		d.down.Dismissed(l)
	}
	d.giveNumber(l.number)
	l.mu.Lock()
	l.over = true
	l.lift()
	l.mu.Unlock()
	if l.key.private() {
		d.prefixes.ended(l)
	}
	d.forget(l.goal.route)
}

// handle takes note of what a link says.
func (l *Lane) handle(ctx context.Context, e event) {
	k, now := e.link, time.Now()
	switch {
	case e.err != nil && k == l.serving:
		again := now.Sub(k.tenure.upAt) >= retryLife || now.Sub(l.retried) >= retryPause
		l.orphan(k, e.err, again, now)
		if again && l.goal.employs(k.pool) {
			l.retried = now
			l.try(ctx, k.pool, now)
		}
	case e.err != nil:
		l.ended(k, e.err, now)
	case k.ctx.Err() == nil:
		l.serve(k, now)
	}
}

// ended takes note of the end of a link that did not serve.
func (l *Lane) ended(k *link, err error, now time.Time) {
	if slices.Contains(l.draining, k) {
		l.draining = remove(l.draining, k)
		l.finish(k)
		return
	}
	l.candidates = remove(l.candidates, k)
	l.fail(k, err, now)
}

func remove(list []*link, k *link) []*link {
	return slices.DeleteFunc(list, func(x *link) bool { return x == k })
}

// serve makes a link that is up the lane's own.
func (l *Lane) serve(k *link, now time.Time) {
	l.candidates = remove(l.candidates, k)
	for _, c := range l.candidates {
		c.drop(errSurplus)
	}
	l.tellChange(l.current, k)
	if old := l.serving; old != nil {
		old.tenure.drainAt = now.Add(drainTime)
		old.state(stats.LinkDraining)
		l.draining = append(l.draining, old)
		old.pool.serve(-1)
	}
	text, away := "link up", []any{}
	if since, none := l.without(); none {
		if l.current != nil || l.outage.said {
			text, away = "link up again", []any{"away", now.Sub(since).Round(time.Millisecond)}
		}
		l.link(true, now)
		l.endOutage(now)
	}
	k.tenure.upAt = now
	k.pool.serve(1)
	l.misfit = false

	l.mu.Lock()
	last, e := l.current, k.epoch.Load()
	fresh := e != last
	e.open()
	l.setEpochs(append([]*epoch{e}, without(*l.epochs.Load(), e)...))
	l.serving = k
	post := k.post
	post.Clean = post.Clean || fresh
	l.publish(post)
	l.mu.Unlock()

	if fresh && !l.orphaned.IsZero() {
		l.giveUp(last) // its link is gone for good
	}
	l.current, l.orphaned = e, time.Time{}
	k.activate()
	attrs := append([]any{"pool", k.pool.Name, "difficulty", post.Difficulty, "extranonce2", e.size, "resumed", !fresh}, away...)
	l.log.Log(context.Background(), l.level(slog.LevelInfo), text, attrs...)
}

// orphan takes the remains of the serving link, which has died, to where its
// successor will find them.
func (l *Lane) orphan(k *link, err error, again bool, now time.Time) {
	l.mu.Lock()
	l.serving = nil
	l.mu.Unlock()
	l.current, l.orphaned = k.epoch.Load(), now
	l.roster.attach(nil)
	l.link(false, now)
	l.misfit = errors.Is(err, errMisfit)
	k.pool.serve(-1)
	k.pool.lost(now, now.Sub(k.tenure.upAt), l.goal.failover().BackoffMax, again, err)
	l.noteMove(k)
	if l.closing(err) {
		l.log.Debug("link closed", "pool", k.pool.Name)
	} else {
		k.pool.book.Disconnects.Add(1)
		l.log.Log(context.Background(), l.level(slog.LevelWarn), "link lost", "pool", k.pool.Name, "reason", err)
	}
	var lost []Share
	shares := slices.DeleteFunc(k.leave(), func(s Share) bool {
		if s.Job.Epoch == l.current.id {
			return false
		}
		lost = append(lost, s)
		return true
	})
	l.current.putBack(shares)
	l.lose(lost)
	if l.current.mortal {
		l.lose(l.current.close())
	}
}

// fail takes note of an attempt that came to nothing.
func (l *Lane) fail(k *link, err error, now time.Time) {
	defer k.tried()
	if e := k.epoch.Load(); e != nil && e != l.current {
		l.giveUp(e)
	}
	switch {
	case errors.Is(err, errSurplus), l.closing(err):
		return
	case errors.Is(err, errMisfit): // and it is not tried again: pool.fits
		l.misfit = true
		l.log.Warn("pool does not fit", "pool", k.pool.Name, "reason", err)
		return
	}
	l.noteMove(k)
	level := slog.LevelDebug
	if k.pool.fail(now, k.started, l.goal.failover().BackoffMax, k.protocol.reached, err) {
		level = slog.LevelWarn
	}
	k.log.Log(context.Background(), level, "link failed", "reason", err)
}

func (l *Lane) closing(err error) bool {
	return errors.Is(err, errClosed) || errors.Is(err, errOrdered)
}

// noteMove keeps where client.reconnect leads for the next attempt only.
func (l *Lane) noteMove(k *link) {
	delete(l.moves, k.pool)
	if to, _ := k.health.moves(time.Now()); to != "" {
		l.moves[k.pool] = to
	}
}

// finish settles what a draining link leaves.
func (l *Lane) finish(k *link) {
	l.giveUp(k.epoch.Load())
	l.lose(k.leave())
}

// giveUp ends an epoch: its shares are lost.
func (l *Lane) giveUp(e *epoch) {
	l.mu.Lock()
	l.setEpochs(without(*l.epochs.Load(), e))
	l.mu.Unlock()
	l.lose(e.close())
}

// try begins an attempt at a pool, unless others are to find out first.
func (l *Lane) try(ctx context.Context, p *pool, now time.Time) bool {
	use := descriptors.Link
	if l.serving != nil {
		use = descriptors.Second
	}
	files, ok := l.goal.directory.hold(use)
	if !ok {
		return false // the next look finds some
	}
	if !p.begin(now) {
		files.keep(0)
		return false
	}
	k := l.goal.newLink(ctx, p, l, files)
	l.inherit(k)
	l.candidates = append(l.candidates, k)
	go func() { l.tell(event{k, k.run()}) }()
	return true
}

// inherit gives a link what the last one to its pool has left: a session to take up,
// and the address that client.reconnect leads to.
func (l *Lane) inherit(k *link) {
	if !l.orphaned.IsZero() && l.current.pool == k.pool && !l.current.mortal {
		k.resume = l.current
	}
	if address := l.moves[k.pool]; address != "" {
		k.to.Target = k.to.At(address)
		delete(l.moves, k.pool)
	}
}

// close ends all links and gives up all shares.
func (l *Lane) close() {
	links := append(slices.Clone(l.candidates), l.draining...)
	if l.serving != nil {
		links = append(links, l.serving)
	}
	for _, k := range links {
		k.drop(errClosed)
	}
	for n := len(links); n > 0; {
		e := <-l.events
		if e.err == nil {
			continue
		}
		n--
		if now := time.Now(); e.link == l.serving {
			l.orphan(e.link, e.err, true, now)
		} else {
			l.ended(e.link, e.err, now)
		}
	}
	for _, e := range *l.epochs.Load() {
		l.giveUp(e)
	}
}
