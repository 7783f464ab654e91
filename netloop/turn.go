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
// It ends with a wait if verdicts are worth gathering (see awaited), and with a rest if shares
// are (see rhythm), unless something must not wait: miners that connect, of which gnet
// accepts one per turn, or jobs on their way out.
func (l *loop) turn() {
	l.judge()
	crowded := l.crowded
	if l.handed >= longTurn {
		crowded = true
		l.hear()
	}
	l.crowded = false
	may := !crowded
	for n := 1; ; n++ {
		what := l.bring(crowded, may)
		if what == awaitsNothing {
			break
		}
		may = l.wait(what) && n < awaitTimes
	}
	if l.stalled { // don't retry at once
		l.stalled = false
		pause(stallRest)
	}
	if x := l.server.still.Load(); x != nil {
		l.standStill(x)
	}
}

// wait waits for verdicts, hears the pools, and reports whether the verdicts have come.
func (l *loop) wait(what awaited) (came bool) {
	if what == awaitsMail {
		came = l.doze.sleep(mailWait)
	} else {
		came = l.awaitPool()
	}
	if came {
		l.trials.worked()
	} else {
		l.trials.failed()
	}
	l.clock()
	l.hear()
	return came
}

// bring takes the mail, and rests if it should. It returns what the loop should wait for, if
// it may wait: then it is to be called again afterwards.
func (l *loop) bring(crowded, may bool) (awaits awaited) {
	shares := l.handed
	l.handed = 0
	now := time.Since(l.server.started)
	rests := false
	mail := l.mailbox.collect(func(m *mail) (last bool) {
		flying := l.flying + len(m.wires) // what is written now has no verdicts yet
		rests = l.rhythm.ends(shares, len(m.verdicts), flying, now) && !crowded
		if may && !rests && l.rhythm.near() {
			awaits = l.awaits(m)
		}
		if awaits == awaitsMail {
			l.doze.begin()
		}
		return !rests && awaits != awaitsPool
	})
	left := l.take(mail)
	if len(mail.wires) > 0 {
		l.written = l.flying
	}
	switch {
	case rests:
		if d := l.rhythm.rest(now, len(l.wires) > 0); !left {
			pause(d)
		}
	case awaits == awaitsNothing:
		return awaitsNothing
	case left: // who asked for the next turn may have ended the doze instead of ringing a bell
	case awaits == awaitsMail || l.flying >= awaitShares:
		return awaits
	}
	l.wake() // heard after whatever came meanwhile: that is the next turn, which also collects the mail
	return awaitsNothing
}

// take handles mail, and reports whether more work is left that must not wait.
func (l *loop) take(m *mail) (left bool) {
	l.clock()
	l.beginVolley()
	for i := range m.verdicts {
		if next := i + verdictsAhead; next < len(m.verdicts) {
			l.prefetch(&m.verdicts[next])
		}
		l.verdict(&m.verdicts[i])
	}
	l.endVolley()
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
