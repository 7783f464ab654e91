package netloop

import (
	"context"
	"time"
)

// Run is turn, for gnet to call where the loop has no bells.
func (l *loop) Run(context.Context) error {
	l.turn()
	return nil
}

// turn ends a turn, or only brings mail. It is called when the loop has done
// everything that was there to be done.
//
// It ends with a rest where shares are worth gathering (see rhythm), unless
// something must not wait: miners that come in, for which gnet has one accept a turn,
// or jobs on their way out.
func (l *loop) turn() {
	l.judge()
	shares, crowded := l.handed, l.crowded
	l.handed, l.crowded = 0, false
	now := time.Since(l.server.started)
	rest := false
	mail := l.mailbox.collect(func(m *mail) (last bool) {
		rest = l.rhythm.ends(shares, len(m.verdicts), now) && !crowded
		return !rest
	})
	left := l.take(mail)
	if rest {
		if d := l.rhythm.rest(now); !left {
			pause(d)
		}
		l.wake() // heard behind what came meanwhile: that is the next turn, and with it goes the mail
	}
	if l.stalled { // not at once again
		l.stalled = false
		pause(stallRest)
	}
}

// take does what the mail asks for, and reports whether there is more to do that
// is not to wait.
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
	for i := range m.posts {
		l.post(&m.posts[i])
	}
	if l.stopping {
		l.leaveSettled()
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

// handOn says that a share of this turn waits in a lane.
func (l *loop) handOn() {
	if l.handed++; l.handed == 1 {
		l.mailbox.turn()
	}
}
