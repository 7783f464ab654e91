package netloop

import (
	"context"
	"time"
)

// Run is turn, for gnet to call if the loop has no bells.
func (l *loop) Run(context.Context) error {
	l.turn()
	return nil
}

// longTurn is how many shares a loop hands on before it ends its turn, whatever else is
// ready: two writes to a pool. A turn of a busy farm has a tenth of that; but when the
// process stood still for a while, as under a debugger or on a machine that was paused,
// each miner has shares ready, and in one turn they would fill the lanes' queues, of
// which the pool gets nothing before the end of the turn.
const longTurn = 512

// turn ends a turn, or only handles mail. It is called when the loop has handled
// everything that was ready.
//
// It ends with naps and a rest if verdicts and shares are worth gathering (see rhythm),
// unless something must not wait: miners that connect, of which gnet accepts one per
// turn, or jobs on their way out.
func (l *loop) turn() {
	l.judge()
	crowded := l.crowded
	if l.handed >= longTurn {
		crowded = true
		l.hear()
	}
	l.crowded = false
	for l.bring(crowded) {
		l.clock()
		l.hear()
	}
	if l.stalled { // don't retry at once
		l.stalled = false
		pause(stallRest)
	}
	if x := l.server.still.Load(); x != nil {
		l.standStill(x)
	}
}

// bring takes the mail, and then rests or naps if it should. After a nap it is to be
// called again, when the loop has heard its pools.
func (l *loop) bring(crowded bool) (napped bool) {
	shares := l.handed
	l.handed = 0
	now := time.Since(l.server.started)
	rests, naps := false, false
	mail := l.mailbox.collect(func(m *mail) (last bool) {
		news := shares+len(m.verdicts) > 0
		rests = l.rhythm.ends(shares, len(m.verdicts), l.flying, now) && !crowded
		naps = !rests && !crowded && (len(m.wires) > 0 || news && l.rhythm.awaits(l.flying))
		return !rests && !naps
	})
	left := l.take(mail)
	switch {
	case rests:
		if d := l.rhythm.rest(now, len(l.wires) > 0); !left {
			pause(d)
		}
	case naps && !left && l.rhythm.awaits(l.flying): // all are written now
		pause(l.rhythm.nap(l.flying))
		return true
	case !naps:
		return false
	}
	l.wake() // heard after whatever came meanwhile: that is the next turn, which also collects the mail
	return false
}

// take handles mail, and reports whether more work is left that must not wait.
func (l *loop) take(m *mail) (left bool) {
	l.clock()
	for i := range m.verdicts {
		if next := i + verdictsAhead; next < len(m.verdicts) {
			l.prefetch(&m.verdicts[next])
		}
		l.verdict(&m.verdicts[i])
	}
	l.flushAgents()
	for i := range m.hashed {
		l.hashed(&m.hashed[i])
	}
	for _, s := range m.shaken {
		l.shaken(s)
	}
	if !l.server.inherited.waits.Load() { // takeUp asks the lanes instead
		for i := range m.posts {
			l.post(&m.posts[i])
		}
	}
	if l.stopping {
		l.leaveSettled()
	} else if l.leaving != nil {
		l.letGo()
	}
	for _, call := range m.calls {
		call()
	}
	if m.tick {
		l.tick()
	}
	for _, w := range m.wires {
		w.flush()
	}
	l.look()
	return l.fanOut()
}

// handOn counts a share that was handed to a lane in this turn.
func (l *loop) handOn() {
	if l.handed++; l.handed == 1 {
		l.mailbox.turn()
	}
}
