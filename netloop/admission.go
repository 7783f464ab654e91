package netloop

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"farmproxy/guard"
	"farmproxy/session"
)

// Who may connect, and how much a connection may send.

// Access says which addresses may connect to a listener.
type Access struct {
	Allow []netip.Prefix // if there are any, only these
	Deny  []netip.Prefix // not these, even if they are in Allow
}

func (a *Access) denies(from netip.Addr) bool {
	in := func(list []netip.Prefix) bool {
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(from) })
	}
	return in(a.Deny) || len(a.Allow) > 0 && !in(a.Allow)
}

// verdicts are the reasons for the guard's verdicts.
var verdicts = [...]session.Reason{
	guard.Banned:  session.Banned,
	guard.TooMany: session.TooManyConnections,
	guard.TooFast: session.ConnectFlood,
}

// welcomes judges a connection whose address is certain. counted says that the guard must
// be told of its end. Any goroutine.
func (s *Server) welcomes(at *listener, from netip.Addr) (reason session.Reason, counted, ok bool) {
	if at.denies(from) {
		return session.Denied, false, false
	}
	v, counted := s.guard.Come(from, time.Since(s.started))
	return verdicts[v], counted, v == guard.Welcome
}

// counted is what a loop gets with a connection that the guard counts.
type counted struct{ from *listener }

// turnAway closes a connection that no loop has seen: a flood costs an accept each.
func (s *Server) turnAway(conn *net.TCPConn, reason session.Reason) {
	counts := s.book.Loop(0)
	counts.Opened.Add(1)
	counts.Closed[reason].Add(1)
	s.closed.note(reason, conn.RemoteAddr().String(), nil, time.Now())
	_ = conn.SetLinger(0) // nothing stays behind
	_ = conn.Close()
}

// admitted judges a connection whose PROXY header has just been read, or was not there.
func (l *loop) admitted(p *peer) (reason session.Reason, ok bool) {
	reason, counted, ok := l.server.welcomes(p.listener, p.remote.Addr())
	if counted {
		p.more().counted = true
	}
	return reason, ok
}

// offences are the reasons for which only floods are closed: honest miners have other
// faults, and no ban may come of those.
var offences = [session.NumReasons]bool{
	session.MessageFlood:     true,
	session.ShareFlood:       true,
	session.InvalidFlood:     true,
	session.TooManyMalformed: true,
	session.LineTooLong:      true,
	session.TooDeep:          true,
}

// goes tells the guard that a connection has ended.
func (l *loop) goes(p *peer) {
	g, from := l.server.guard, p.remote.Addr()
	if p.rare != nil && p.rare.counted {
		g.Left(from)
	}
	if p.is(earned) {
		g.Rests(from, l.env.Now)
	}
	if offences[p.reason] && g.Offend(from, p.reason.String(), l.env.Now) {
		l.server.banned(guard.Network(from), p.reason)
	}
}

// banned closes the connections of an address that was just banned.
func (s *Server) banned(from netip.Addr, reason session.Reason) {
	s.log.Warn("an address is banned: nearly all of its connections do nothing but flood", "address", from.String(), "reason", reason.String(),
		"for", s.settings.Load().Guard.BanTime.String(), "try", "GET /api/v1/bans; DELETE /api/v1/bans/"+from.String()+" lifts it; exempt in [limits] keeps it from being banned")
	s.onLoops(func(l *loop) {
		for i := range l.slots {
			if p := l.slots[i].peer; p != nil && !p.is(earned) && guard.Network(p.remote.Addr()) == from {
				l.close(p, session.Banned)
			}
		}
	})
}

// Bans returns the banned addresses, and the time by which theirs are told. Any goroutine.
func (s *Server) Bans() (list []guard.Ban, now time.Duration) {
	now = time.Since(s.started)
	return s.guard.Bans(now), now
}

// Lift ends the ban of an address; false if there is none. Any goroutine.
func (s *Server) Lift(a netip.Addr) bool { return s.guard.Lift(a, time.Since(s.started)) }

// sent is what a connection has sent since its last tick. It saturates far above any
// limit: a loop reads 64 shares of a connection at a time.
type sent struct{ messages, shares, invalid uint16 }

// sentTime is how long a connection's numbers grow.
const sentTime = tickShare * tickEvery

// maxSent is where they stop, with room for what one read brings.
const maxSent = 1<<16 - 1024

// floods counts a message, and reports whether the connection has sent more than it may.
func (l *loop) floods(p *peer) (reason session.Reason, flood bool) {
	p.sent.messages = min(p.sent.messages+1, maxSent)
	limits := &l.server.settings.Load().Limits
	switch {
	case p.over(p.sent.messages, limits.Messages):
		return session.MessageFlood, true
	case p.over(p.sent.shares, limits.Shares):
		return session.ShareFlood, true
	case p.over(p.sent.invalid, limits.Invalid):
		return session.InvalidFlood, true
	}
	return 0, false
}

// over reports whether so many since the last tick are more than that per second.
func (p *peer) over(n uint16, perSecond int) bool {
	const seconds = int(sentTime / time.Second)
	if perSecond == 0 || int(n) <= perSecond*seconds {
		return false
	}
	return int(n) > min((perSecond+p.dialect.limits().miners)*seconds, maxSent-1)
}

// refusedLogin counts a refused login, and ends the connection if there are too many.
func (l *loop) refusedLogin(p *peer) session.Effect {
	more := p.more()
	more.refused++
	if most := l.server.settings.Load().Limits.Logins; most > 0 && int(more.refused) >= most {
		return session.Effect{Kind: session.Hangup, Reason: session.TooManyLogins}
	}
	more.refused = min(more.refused, 254)
	return session.Effect{}
}
