package upstream

import (
	"context"
	"log/slog"
	"time"
)

// outage is what the log has said about a lane that has no link. The supervisor owns it.
type outage struct {
	said bool // that no pool is up
	over bool // that miners were held for as long as Failover.Hold
}

// GivenUp reports whether the lane has been without a link for longer than
// Failover.Hold: its miners should then try their own backup pools. Any goroutine.
func (l *Lane) GivenUp(now time.Time) bool {
	hold := l.goal.failover().Hold
	since, none := l.without()
	return none && hold > 0 && now.Sub(since) > hold
}

// without reports that the lane has no link to any pool, and since when; of a
// lane without miners, since the first one came. Other lanes of its goal may have
// one: they do its miners no good.
func (l *Lane) without() (since time.Time, none bool) {
	l.goal.mu.Lock()
	defer l.goal.mu.Unlock()
	return l.unlinked, !l.linked
}

// tellOutage logs that no pool serves the lane and until when its miners are held, and
// later that this time is over. A link that is back within patience was no outage.
func (l *Lane) tellOutage(now time.Time) {
	since, none := l.without()
	if !none || now.Sub(since) < patience {
		return
	}
	hold, miners := l.goal.failover().Hold, l.goal.membersOf(l)
	if !l.outage.said {
		l.outage.said = true
		if l.single() {
			l.goal.directory.heldAlone(1, now)
		}
		text, until := "no pool is up: miners stay connected, on their last job, until one is", []any{}
		if hold > 0 {
			text = "no pool is up: miners stay connected, on their last job, until failover.hold is over"
			until = []any{"held_until", since.Add(hold)}
		}
		l.log.Log(context.Background(), l.level(slog.LevelWarn), text, append([]any{"miners", miners, "since", since}, until...)...)
	}
	if !l.outage.over && hold > 0 && now.Sub(since) > hold {
		l.outage.over = true
		l.log.Log(context.Background(), l.level(slog.LevelWarn), "no pool was up for as long as failover.hold: miners are disconnected, so that they can try their backup pools", "miners", miners, "hold", hold)
	}
}

// endOutage notes that a link serves the lane again, or that the lane ends.
func (l *Lane) endOutage(now time.Time) {
	if l.outage.said && l.single() {
		l.goal.directory.heldAlone(-1, now)
	}
	l.outage = outage{}
}

// heldPause is how often the log says that miners with a link of their own have none.
const heldPause = time.Minute

// heldAlone counts miners with a link of their own that have none, and logs how many
// there are: a line for each of thousands would say no more.
func (d *Directory) heldAlone(n int64, now time.Time) {
	held := d.held.Add(n)
	if n < 0 {
		return
	}
	if at := int64(now.Sub(d.born)); pauseOver(&d.heldLogged, at, heldPause) {
		d.log.Warn("no pool is up for miners that have a link each: they stay connected, on their last job; /api/v1/links has the reasons", "miners", held)
	}
}
