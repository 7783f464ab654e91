package netloop

import "farmproxy/session"

// A lame duck lets its miners go one after another, so that they do not all look for
// another pool at once. Each leaves when it waits for no verdict; until then it works.

// LetGo closes miners until a part, 0 to 1, of those that were connected at the first
// call has left. One that waits for a verdict leaves after it. Call Refuse before, and
// LetGo again whenever the part has grown. Any goroutine; it returns at once.
func (s *Server) LetGo(part float64) {
	s.onLoops(func(l *loop) {
		if l.leaving == nil {
			l.leaving = &leaving{of: l.connections()}
		}
		l.leaving.may = int(float64(l.leaving.of) * (1 - part))
		l.letGo()
	})
}

// Connected returns how many miners and agents are connected. Any goroutine.
func (s *Server) Connected() int { return int(s.miners.Load()) }

// leaving says who leaves a loop.
type leaving struct {
	of   int // connections at first
	may  int // of these, how many may stay for now
	next int // the slot to be looked at next
}

func (l *loop) connections() int { return len(l.slots) - len(l.free) }

// letGo closes connections that wait for nothing, as long as there are too many. Slow
// hashes are waited for first, since it is not recorded whose they are.
func (l *loop) letGo() {
	l.judge()
	for range l.slots {
		if l.hashing > 0 || l.connections() <= l.leaving.may {
			return
		}
		p := l.slots[l.leaving.next].peer
		l.leaving.next = (l.leaving.next + 1) % len(l.slots)
		if p != nil && !p.dialect.waits(p) {
			l.close(p, session.LameDuck)
		}
	}
}
