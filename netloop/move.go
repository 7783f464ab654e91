package netloop

import (
	"context"

	"farmproxy/upstream"
)

// movesPerTurn is how many miners a loop moves before it handles its other events: each
// costs a write, so 64 take half a millisecond.
const movesPerTurn = 64

// Move is an order: a miner is to work at another goal of its route.
type Move struct {
	Cookie upstream.Cookie
	To     *upstream.Goal
}

// Moved is what became of a Move.
type Moved uint8

const (
	Done      Moved = iota
	Stays           // the miner is there already
	Gone            // it has left
	NoGoal          // the goal is none of its route, or not any more
	TooSmall        // upstream.TooSmall
	FewerBits       // upstream.FewerBits
	Agent           // it is behind an agent
	NotYet          // it has no job, or does not read; or its lane there has no job

	NumMoved = iota
)

// Name is what metrics call it.
func (m Moved) Name() string {
	return [NumMoved]string{
		Done: "moved", Stays: "stays", Gone: "gone", NoGoal: "no_goal", TooSmall: "too_small",
		FewerBits: "fewer_bits", Agent: "agent", NotYet: "not_yet",
	}[m]
}

// String says it in the log and the API.
func (m Moved) String() string {
	return [...]string{
		Done:      "moved",
		Stays:     "it is there already",
		Gone:      "it has left",
		NoGoal:    "its route has no such goal",
		TooSmall:  upstream.TooSmall.String(),
		FewerBits: upstream.FewerBits.String(),
		Agent:     "it is behind an agent, whose miners all work on the job of one link",
		NotYet:    "it can't be moved yet; try again in a moment",
	}[m]
}

// moving are the moves of a loop that are under way: those of one call of Server.Move.
type moving struct {
	list    []Move
	places  []int   // of those that are this loop's, which are not done yet
	answers []Moved // of all loops
	done    chan<- struct{}
}

// Move moves miners to other goals: each gets a clean job there, on the same connection,
// and shares that it has on their way count where their job came from. It returns what
// became of each, once all have been dealt with; one call waits for another. Any goroutine
// but an event loop. The error is ctx's.
func (s *Server) Move(ctx context.Context, moves []Move) ([]Moved, error) {
	s.moving.Lock()
	defer s.moving.Unlock()
	loops := *s.loops.Load()
	answers, of := make([]Moved, len(moves)), make([][]int, len(loops))
	for i := range moves {
		if index, _, _ := splitCookie(moves[i].Cookie); index < len(loops) {
			of[index] = append(of[index], i)
		} else {
			answers[i] = Gone
		}
	}
	done := make(chan struct{}, len(loops))
	n := 0
	for i, l := range loops {
		if len(of[i]) > 0 {
			n++
			m := &moving{moves, of[i], answers, done}
			l.mailbox.call(func() { l.moving = append(l.moving, m) })
		}
	}
	for range n {
		select {
		case <-done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return answers, nil
}

// moveSome makes the next moves, and reports whether there are more.
func (l *loop) moveSome() (left bool) {
	for range movesPerTurn {
		if len(l.moving) == 0 {
			return false
		}
		m := l.moving[0]
		i := m.places[0]
		m.answers[i] = l.move(l.find(m.list[i].Cookie), m.list[i].To)
		if m.places = m.places[1:]; len(m.places) == 0 {
			l.moving = l.moving[1:]
			select {
			case m.done <- struct{}{}:
			default: // never full: it has room for all loops
			}
		}
	}
	return len(l.moving) > 0
}

// move moves a miner to another goal of its route.
func (l *loop) move(p *peer, to *upstream.Goal) Moved {
	switch {
	case p == nil || p.conn == nil:
		return Gone
	case p.goal == to:
		return Stays
	case p.goal == nil || !p.goal.Beside(to):
		return NoGoal
	case isAgent(p):
		return Agent
	case p.feed == nil || p.is(lagging) || !p.session.IsWorking():
		return NotYet
	}
	switch fit, ready := to.Takes(l.newMember(p), p.session.Rolls()); {
	case fit == upstream.TooSmall:
		return TooSmall
	case fit == upstream.FewerBits:
		return FewerBits
	case !ready:
		return NotYet
	}
	left := p.feed
	p.dialect.move(l, p, to)
	if p.conn == nil {
		return Gone
	}
	m := l.splitMiner(p)
	m.moved, m.left = notNever(l.env.Now), left
	return Done
}

// isAgent reports whether a peer is an agent.
func isAgent(p *peer) bool {
	_, is := p.dialect.(*agentPeer)
	return is
}

// newMember describes a miner to a lane that it joins.
func (l *loop) newMember(p *peer) upstream.Member {
	m := p.member()
	m.Address, m.Record = p.remote.Addr(), l.server.book.Vouches(p.login, p.connectedAs(p.login))
	return m
}
