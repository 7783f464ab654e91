package upstream

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// watch does what is due by time.
func (l *Lane) watch(ctx context.Context, now time.Time) {
	l.examine(ctx, now)
	l.askAgain(ctx, now)
	for _, k := range l.draining {
		if !now.Before(k.tenure.drainAt) {
			k.drop(errClosed)
		}
	}
	if !l.orphaned.IsZero() && now.Sub(l.orphaned) >= orphanTime {
		l.lose(l.current.close()) // it takes shares again when it is resumed
	}
}

// examine leaves a serving link that is ill.
func (l *Lane) examine(ctx context.Context, now time.Time) {
	k := l.serving
	if k == nil {
		return
	}
	l.leaveOrdered(now)
	l.leaveBarren(ctx, k, now)
	k.files.keep(1) // it has been up since the last look: what it took besides to get there is closed
	l.goal.askCertificate(k.pool, k.to.Target, now)
	f := l.goal.failover()
	switch silent := k.silent(now, f.Silence); {
	case k.health.unanswered.Load():
		k.drop(errUnanswered)
	case k.moveDue(now):
		k.drop(errMoved)
	case len(l.candidates) > 0 || !silent && !k.health.rejected(f.RejectRate, l.goal.membersOf(l)):
	default:
		if p := l.other(now, k.pool); p != nil {
			if l.try(ctx, p, now) {
				l.log.Log(ctx, l.level(slog.LevelWarn), "pool is unhealthy; using another one", "pool", k.pool.Name, "silent", silent, "other", p.Name)
				l.chill(k.pool, now)
			}
		} else if silent {
			k.drop(errSilent)
		} else if !k.tenure.complained {
			k.tenure.complained = true
			l.log.Warn("the pool rejects most shares, and no other pool is healthy; see /api/v1/links for the reasons, and add a backup [[pool]]", "pool", k.pool.Name, "reject_rate", f.RejectRate)
		}
	}
}

// decide begins the attempts that are called for. A link to a pool that the goal
// does not lead to any more, that is drained, or that is about to end, serves until another
// is up, as if it were none.
func (l *Lane) decide(ctx context.Context, now time.Time) {
	if l.settled() {
		if p := l.better(now); p != nil && len(l.candidates) == 0 {
			if l.try(ctx, p, now) {
				l.log.Log(ctx, l.level(slog.LevelInfo), "a better pool is back", "pool", p.Name)
			}
		}
		return
	}
	for _, k := range l.candidates {
		if now.Sub(k.started) < patience {
			return
		}
	}
	if p := l.next(now); p != nil {
		l.try(ctx, p, now)
	}
}

// chill passes an ill pool over for a while. What one miner's lane has found out,
// or one agent's, is that lane's matter.
func (l *Lane) chill(p *pool, now time.Time) {
	if !l.single() && !l.key.private() {
		p.chill(now)
		return
	}
	if l.cool == nil {
		l.cool = make(map[*pool]time.Time)
	}
	l.cool[p] = now.Add(coolDown)
}

// next returns the most preferred pool that can be tried now; one that is ill
// only when there is no other. nil: wait.
func (l *Lane) next(now time.Time) *pool {
	var ill *pool
	for _, p := range l.goal.list() {
		if p.ordered() != Enabled || !l.fits(p) || !p.ready(now) || l.tries(p) {
			continue
		}
		if !p.cooling(now) && !now.Before(l.cool[p]) {
			return p
		}
		if ill == nil {
			ill = p
		}
	}
	return ill
}

// forsake ends the attempts at pools that the goal does not lead to any more, or that are
// drained, and forgets what was noted about the former.
func (l *Lane) forsake() {
	for _, k := range l.candidates {
		if !l.goal.employs(k.pool) {
			k.drop(errSurplus)
		}
	}
	gone := func(p *pool) bool { return !l.goal.leads(p) }
	maps.DeleteFunc(l.moves, func(p *pool, _ string) bool { return gone(p) })
	maps.DeleteFunc(l.cool, func(p *pool, _ time.Time) bool { return gone(p) })
}

// fits reports that the lane's miners have room at a pool, as far as is known.
func (l *Lane) fits(p *pool) bool { return p.fits(l.key) }

func (l *Lane) tries(p *pool) bool {
	return slices.ContainsFunc(l.candidates, func(k *link) bool { return k.pool == p })
}

// better returns the most preferred pool that is better than the one that
// serves and has been healthy for long enough; nil when there is none.
func (l *Lane) better(now time.Time) *pool {
	for _, p := range l.goal.list() {
		if p == l.serving.pool {
			break
		}
		if p.ordered() == Enabled && l.fits(p) && p.ready(now) && !now.Before(l.cool[p]) && p.healthy(now, l.goal.failover().ReturnAfter) {
			return p
		}
	}
	return nil
}

// other returns the most preferred healthy pool besides p. A user's goal does
// not probe what it does not want: what was never tried is worth a try.
func (l *Lane) other(now time.Time, p *pool) *pool {
	for _, o := range l.goal.list() {
		if o != p && o.ordered() == Enabled && l.fits(o) && (o.healthy(now, 0) || l.goal.PerUser && o.untried()) {
			return o
		}
	}
	return nil
}
