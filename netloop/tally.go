package netloop

import (
	"context"
	"log/slog"
	"math"
	"time"

	"farmproxy/session"
	"farmproxy/work"
)

// tally is what a miner has done, for the line in the log at its end. A miner has one
// only if the log wants that line when it connects: the others pay nothing for it.
// nil counts nothing.
type tally struct {
	began              time.Duration // as Env.Now
	accepted, rejected uint64        // shares whose verdict came while it was connected
	in, out            uint64        // bytes of its connection
}

func (t *tally) count(v work.Verdict) {
	switch {
	case t == nil:
	case v == work.Accepted:
		t.accepted++
	default:
		t.rejected++
	}
}

// tellsEnds reports whether the log wants a line at each miner's end, and its level.
func (l *loop) tellsEnds() (level slog.Level, wanted bool) {
	level = slog.LevelDebug
	if l.server.settings.Load().MinerEnds {
		level = slog.LevelInfo
	}
	return level, l.server.log.Enabled(context.Background(), level)
}

// newTally returns the tally of a miner that has just come; nil: it needs none.
func (l *loop) newTally() *tally {
	if _, wanted := l.tellsEnds(); !wanted {
		return nil
	}
	return &tally{began: l.env.Now}
}

// tellConnected logs that a miner has logged in under a name.
func (l *loop) tellConnected(p *peer, login, agent string) {
	if log := l.server.log; log.Enabled(context.Background(), slog.LevelDebug) {
		pool, _ := p.goal.Names()
		log.Debug("miner connected", "worker", login, "address", p.remote.String(), "agent", agent, "pool", pool)
	}
}

// tellDisconnected logs the end of a peer's connection, or of one of an agent's miners.
func (l *loop) tellDisconnected(what string, p *peer, t *tally, login string) {
	level, wanted := l.tellsEnds()
	if !wanted {
		return
	}
	attrs := []any{"worker", login, "address", p.remote.String(), "reason", p.reason.String()}
	if t != nil {
		attrs = append(attrs, "seconds", math.Floor((l.env.Now - t.began).Seconds()), "accepted", t.accepted, "rejected", t.rejected)
	}
	if t != nil && t == p.tally() { // an agent's miners share their connection's bytes
		attrs = append(attrs, "bytes_in", t.in, "bytes_out", t.out)
	}
	l.server.log.Log(context.Background(), level, what, attrs...)
}

// tellLeft logs the end of a peer's connection.
func (l *loop) tellLeft(p *peer) {
	what := "miner disconnected"
	if isAgent(p) {
		what = "agent disconnected"
	} else if p.reason == session.MinerLeft && !p.session.IsAuthorized() {
		what = "connection closed before a login"
	}
	l.tellDisconnected(what, p, p.tally(), p.login)
}
