package netloop

import (
	"slices"
	"strings"
	"sync"

	"farmproxy/tap"
)

const (
	// traced is how many messages of a traced miner are kept until they are looked at.
	traced = 128

	// maxTraced is how many connections of one worker are traced: a name may be that of
	// a whole farm.
	maxTraced = 16

	// maxTracedLeft is how many of those that have ended are kept to be looked at.
	maxTracedLeft = 16
)

// Trace is what an operator sees of a worker's miners from now on. Others pay nothing for
// it: without a trace, one atomic at a login.
type Trace struct {
	login string

	mu    sync.Mutex // an event loop may take it
	live  []*Traced
	left  []*Traced // the last that have ended
	ended bool
}

// Traced is one connection.
type Traced struct {
	Address string // ip:port of the miner, or its agent
	*tap.Tap
}

// Miners returns the traced connections, those that have ended too. Any goroutine.
func (t *Trace) Miners() []*Traced {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Concat(t.left, t.live)
}

// Trace begins to keep the messages of a worker's miners, those that are connected and
// those that log in from now on. Each Trace wants one EndTrace. Any goroutine.
func (s *Server) Trace(login string) *Trace {
	t := &Trace{login: login}
	s.changeTraces(func(list []*Trace) []*Trace { return append(list, t) })
	s.onLoops(func(l *loop) {
		for i := range l.slots {
			if p := l.slots[i].peer; p != nil && p.worksAs(login) {
				t.add(p)
			}
		}
	})
	return t
}

// EndTrace ends a trace.
func (s *Server) EndTrace(t *Trace) {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	s.changeTraces(func(list []*Trace) []*Trace {
		return slices.DeleteFunc(list, func(x *Trace) bool { return x == t })
	})
	s.onLoops(func(l *loop) {
		for i := range l.slots {
			if p := l.slots[i].peer; p != nil && p.tap() != nil && !l.traced(p) {
				p.rare.tap = nil
			}
		}
	})
}

func (s *Server) changeTraces(change func([]*Trace) []*Trace) {
	s.tracing.Lock()
	defer s.tracing.Unlock()
	list := change(slices.Clone(s.traces.Load().list))
	s.traces.Store(&traces{list})
}

// traces are those under way. Immutable.
type traces struct{ list []*Trace }

// traced reports whether one of the peer's workers is traced.
func (l *loop) traced(p *peer) bool {
	return slices.ContainsFunc(l.server.traces.Load().list, func(t *Trace) bool { return p.worksAs(t.login) })
}

// trace has the messages of a peer kept that has just logged in under a name that is
// traced.
func (l *loop) trace(p *peer, login string) {
	for _, t := range l.server.traces.Load().list {
		if strings.EqualFold(t.login, login) {
			t.add(p)
		}
	}
}

// add adds a connection, unless it is there, or there are enough.
func (t *Trace) add(p *peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || len(t.live) >= maxTraced || p.tap() != nil && slices.ContainsFunc(t.live, func(x *Traced) bool { return x.Tap == p.tap() }) {
		return
	}
	if p.tap() == nil {
		p.more().tap = tap.New(traced)
	}
	t.live = append(t.live, &Traced{p.remote.String(), p.tap()})
}

// untrace is called when a peer's connection has closed.
func (l *loop) untrace(p *peer) {
	if p.tap() == nil {
		return
	}
	for _, t := range l.server.traces.Load().list {
		t.drop(p.tap())
	}
}

// drop notes that a connection has ended.
func (t *Trace) drop(tap *tap.Tap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.live, func(x *Traced) bool { return x.Tap == tap })
	if i < 0 {
		return
	}
	if t.left = append(t.left, t.live[i]); len(t.left) > maxTracedLeft {
		t.left = slices.Delete(t.left, 0, 1)
	}
	t.live = slices.Delete(t.live, i, i+1)
}

// worksAs reports whether one of the peer's workers has that name.
func (p *peer) worksAs(login string) bool {
	if strings.EqualFold(p.login, login) {
		return true
	}
	for _, f := range p.others() {
		if strings.EqualFold(f.login, login) {
			return true
		}
	}
	a, is := p.dialect.(*agentPeer)
	found := false
	if is {
		a.session.Miners(func(_ uint16, name string) { found = found || strings.EqualFold(name, login) })
	}
	return found
}

// tap returns what keeps the peer's messages; nil, as for nearly all: nothing does.
func (p *peer) tap() *tap.Tap {
	if p.rare == nil {
		return nil
	}
	return p.rare.tap
}
