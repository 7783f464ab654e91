package netloop

import (
	"context"
	"time"

	"farmproxy/session"
)

// How a server stops: it admits nobody; each miner is disconnected as soon as it has
// its pending verdicts; then the loops end.

// leftEvery is how often CloseMiners checks whether all miners have left.
const leftEvery = 2 * time.Millisecond

// Refuse closes the ports. A miner that was accepted meanwhile is closed.
func (s *Server) Refuse() {
	s.refuse.Store(true)
	s.ports.close()
}

// CloseMiners closes all miners: those that wait for a verdict when they have it, or
// when settled ends. Whatever else they send is ignored. It returns when all have
// left, or when ctx ends.
func (s *Server) CloseMiners(ctx, settled context.Context) {
	s.onLoops(func(l *loop) {
		l.stopping = true
		l.leaveSettled()
	})
	stop := context.AfterFunc(settled, func() { s.onLoops((*loop).leaveAll) })
	defer stop()
	tick := time.NewTicker(leftEvery)
	defer tick.Stop()
	for s.miners.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) onLoops(do func(*loop)) {
	for _, l := range *s.loops.Load() {
		l.mailbox.call(func() { do(l) })
	}
}

// Stop ends the event loops, and returns when Run has returned.
func (s *Server) Stop(ctx context.Context) error {
	s.stop()
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leaveSettled closes the miners without pending verdicts. Slow hashes are waited for
// first, since it is not recorded whose they are.
func (l *loop) leaveSettled() {
	l.judge()
	if l.hashing > 0 {
		return
	}
	for i := range l.slots {
		if p := l.slots[i].peer; p != nil && !p.dialect.waits(p) {
			l.close(p, session.Shutdown)
		}
	}
}

func (l *loop) leaveAll() {
	for i := range l.slots {
		if p := l.slots[i].peer; p != nil {
			l.close(p, session.Shutdown)
		}
	}
}
