package upstream

import "time"

// A pool can turn out to leave less extranonce2 than it did when a lane's miners
// connected: it has changed, or another one serves. A miner keeps its prefix for the
// life of its session, so a miner whose prefix is too long for such a pool can't work
// there: it must reconnect and get a shorter one.

// turnAway has the lane's miners closed if no working pool has room for them. It
// repeats this at each check for as long as that is true, for the sake of miners that
// connect meanwhile.
func (l *Lane) turnAway(now time.Time) {
	if !l.outgrown(now) || l.goal.membersOf(l) == 0 {
		l.turned = false
		return
	}
	if !l.turned {
		l.turned = true
		l.log.Warn("no working pool has room for the prefixes of these miners; they are closed, and get shorter prefixes when they reconnect", "miners", l.goal.membersOf(l))
	}
	l.goal.directory.down.Outgrown(l)
}

// outgrown reports whether waiting is pointless for the lane: it has no link, each pool
// with room for its prefixes is down, and there is another pool that works, or none
// with room at all.
func (l *Lane) outgrown(now time.Time) bool {
	if l.serving != nil && l.goal.employs(l.serving.pool) {
		return false
	}
	room, works := false, l.misfit
	for _, p := range l.goal.list() {
		if !l.fits(p) {
			works = works || p.healthy(now, 0)
			continue
		}
		room = true
		if p.healthy(now, 0) || l.hopes(p, now) {
			return false
		}
	}
	return works && l.serving == nil || !room
}

// hopes reports whether an attempt at a pool is recent enough to wait for.
func (l *Lane) hopes(p *pool, now time.Time) bool {
	for _, k := range l.candidates {
		if k.pool == p && now.Sub(k.started) < patience {
			return true
		}
	}
	return false
}
