package netloop

import (
	"context"
	"sync/atomic"
	"time"
)

// A server stands still while it is handed over to another process (package handover):
// ports accept nobody, and the loops read nothing. First they finish what has been
// read: shares are hashed, judged and handed on, and mail goes to and fro until there is
// none. From then on the loops' state is as plain and as still as a file.
//
// The kernel keeps meanwhile what miners send and who connects.

const (
	// stillPause is how often a loop that stands still looks whether there is something
	// to do, and whoever waits for the loops whether they have done it.
	stillPause = 200 * time.Microsecond
)

// standstill is one freeze of all loops. They go through rounds together: in each, every
// loop does the same thing once. So a round in which none of them had any mail is the
// last that is needed: nobody was left who could have sent some.
type standstill struct {
	round atomic.Uint32 // the loops begin it when they see it
	do    func(*loop)   // what they do in it; set before round
	done  atomic.Int32  // loops that have
	busy  atomic.Bool   // a loop had mail in this round, or waits for some
	over  atomic.Bool   // the loops go on
}

// Freeze returns when no port accepts, no loop reads, and all that was read has been
// dealt with; or when ctx ends. Thaw must follow, unless the process ends. Nothing else
// may freeze or stop the server meanwhile.
func (s *Server) Freeze(ctx context.Context) error {
	paused := s.ports.pause(ctx)
	s.ticking.Lock()
	x := new(standstill)
	s.still.Store(x)
	for _, l := range *s.loops.Load() {
		l.mailbox.turn()
	}
	if paused != nil {
		return paused
	}
	// Until all of them stand still, one may send mail to another that does already.
	if err := s.together(ctx, func(*loop) {}); err != nil {
		return err
	}
	for {
		x.busy.Store(false)
		if err := s.together(ctx, (*loop).settle); err != nil {
			return err
		}
		if !x.busy.Load() {
			return nil
		}
	}
}

// Thaw has the server go on where it stood still.
func (s *Server) Thaw() {
	if x := s.still.Load(); x != nil {
		s.still.Store(nil)
		x.over.Store(true)
		s.ticking.Unlock()
	}
	s.ports.resume()
}

// together has each loop that stands still do something once, at the same time as the
// others.
func (s *Server) together(ctx context.Context, do func(*loop)) error {
	x, loops := s.still.Load(), *s.loops.Load()
	x.do = do
	x.done.Store(0)
	x.round.Add(1)
	tick := time.NewTicker(stillPause)
	defer tick.Stop()
	for int(x.done.Load()) < len(loops) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// standStill is called by a loop that finds the server frozen, and returns at Thaw.
func (l *loop) standStill(x *standstill) {
	for seen := uint32(0); ; {
		for x.round.Load() == seen {
			if x.over.Load() {
				l.listenAgain()
				return
			}
			time.Sleep(stillPause)
		}
		seen = x.round.Load()
		x.do(l)
		x.done.Add(1)
	}
}

// listenAgain ends a standstill. The process that was to take over may have silenced the
// sockets.
func (l *loop) listenAgain() {
	for i := range l.slots {
		if p := l.slots[i].peer; p != nil {
			listen(p.fd)
		}
	}
	l.wake() // it has not been woken for the mail since
}

// settle deals with what the loop has, without reading more. It tells the standstill if
// there was something, or will be.
func (l *loop) settle() {
	busy := len(l.gathered.list) > 0 || l.hashing > 0
	l.clock()
	l.judge()
	m := l.mailbox.collect(func(m *mail) (last bool) {
		busy = busy || m.matters()
		return false
	})
	if l.take(m) || busy {
		l.server.still.Load().busy.Store(true)
	}
	l.stalled = false // a pool that reads slowly gets its bytes from the other process
}

// matters reports whether the mail can change what miners or lanes have. Bytes for a
// pool only change where they lie.
func (m *mail) matters() bool {
	return len(m.posts)+len(m.verdicts)+len(m.hashed)+len(m.calls) > 0
}
