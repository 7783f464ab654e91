package netloop

import (
	"fmt"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/session"
	"farmproxy/upstream"
)

// agentPeer is what a peer has besides when an agent is at its other end: BTCAgent,
// or another farmproxy, which brings many miners over one connection.
//
// It has a group of prefixes to itself, since its miners' prefixes are the
// session ids that it chose, and so a lane to itself, of which the peer is the
// only one on any loop. The peer stands in the lane's feed once, for all of its
// miners; for each of them it is a member of the lane.
type agentPeer struct {
	session session.Agent
	stream  agentStream
	answers []byte                 // to shares, of one collection of mail
	miners  map[uint16]*agentMiner // by session id
}

// agentMiner is what the loop has of one of an agent's miners. It outlives it for as long
// as shares of it wait.
type agentMiner struct {
	worker  worker
	waiting uint16 // its shares without a verdict of the pool
}

// becomeAgent makes a peer that of an agent: its first message said so. It
// counts no longer as a miner; those that it brings do.
func (l *loop) becomeAgent(p *peer) {
	p.agent = new(agentPeer)
	p.agent.session.Opened = p.session.Opened
	l.counts.Miners.Add(-1)
	l.counts.Agents.Add(1)
}

// readAgent is read for what an agent sent.
func (l *loop) readAgent(p *peer, data, out []byte) gnet.Action {
	for len(data) > 0 {
		m, rest, reason, ok := p.agent.stream.next(data, &l.carries)
		if !ok {
			return l.hangup(p, reason, out)
		}
		data = rest
		var effect session.Effect
		switch {
		case m.frame != nil:
			out, effect = l.frame(p, m.frame, out)
		case m.oversized:
			l.counts.Malformed.Add(1)
		case len(m.line) > 0:
			out, effect = l.line(p, m.line, out)
		}
		if effect.Kind == session.Hangup {
			return l.hangup(p, effect.Reason, out)
		}
	}
	l.out = out
	if !l.write(p, out) {
		return gnet.Close
	}
	return gnet.None
}

// agentLine does what a decoded line of an agent asks for.
func (l *loop) agentLine(p *peer, out []byte) ([]byte, session.Effect) {
	out, effect := p.agent.session.Step(&l.env, &l.request, out)
	if effect.Kind == session.WantAuthorize {
		return l.authorizeAgent(p, effect.Login, out)
	}
	if effect.Kind == session.None && p.agent.session.Waiting() && p.feed != nil {
		return l.agentJob(p, true, out) // it has authorized before it subscribed
	}
	return out, effect
}

// frame does what one frame asks for.
func (l *loop) frame(p *peer, f agent.Frame, out []byte) ([]byte, session.Effect) {
	l.counts.Messages.Add(1)
	if command := f.Command(); command == agent.Register || command == agent.Unregister {
		if l.judge(); p.conn == nil {
			return out, session.Effect{Kind: session.Hangup}
		}
	}
	l.see(p)
	out, effect := p.agent.session.Frame(&l.env, f, out)
	switch effect.Kind {
	case session.WantRegister:
		l.register(p, &effect)
	case session.Unregistered:
		l.server.debts.leave(p.remote.Addr(), effect.Gone.Name(), effect.Gone.Leave(p.doubtful(effect.Session)), l.env.Now)
		l.unregistered(p, effect.Session)
	case session.Malformed:
		l.counts.Malformed.Add(1)
	default:
		out = l.share(p, p.worker(effect.Session, effect.Worker), &effect, out)
	}
	return out, effect
}

// authorizeAgent brings an agent to the lane that it has on its user's route.
func (l *loop) authorizeAgent(p *peer, user string, out []byte) ([]byte, session.Effect) {
	route, account, ok := l.server.directory.Login(user)
	if !ok {
		out = p.agent.session.Refused(&l.request, unknownAccount, out)
		if _, _, fixed := l.server.directory.Login(""); fixed || !p.agent.session.Waiting() {
			return out, session.Effect{}
		}
		// Its answers wait for an extranonce that nobody will have for it.
		return p.agent.session.Unserved(unknownAccount, out), session.Effect{Kind: session.Hangup, Reason: session.AccountGone}
	}
	l.server.seen.note(account)
	p.login = user
	if reason, ok := l.enterGroup(p, route); !ok {
		return l.unserved(p, reason, out)
	}
	l.openBooks(p)
	return l.agentJob(p, true, p.agent.session.Authorized(&l.request, user, out))
}

// enterGroup brings an agent to a lane of its own on a route; ok is false, and
// reason why, when it can't be there.
func (l *loop) enterGroup(p *peer, route *upstream.Route) (reason session.Reason, ok bool) {
	if p.route != nil {
		return session.ExtranonceChanged, p.route == route
	}
	group, ok := l.server.directory.Prefixes().TakeGroup()
	if !ok {
		return session.Full, false
	}
	p.prefix = upstream.Prefix{Group: group, Len: 2}
	p.route = route
	l.feed(route.JoinGroup(group, p.remote.Addr())).join(p)
	l.see(p)
	return session.ExtranonceTooSmall, route.Fits(p.prefix)
}

// leaveGroup takes an agent off its lane, and all of its miners.
func (l *loop) leaveGroup(p *peer) {
	f := p.feed
	if f == nil {
		return
	}
	p.agent.session.Miners(func(session uint16, _ string) { l.unregistered(p, session) })
	f.leave(p)
	f.lane.LeaveGroup()
	delete(l.feeds, f.lane)
	l.server.directory.Prefixes().ReleaseGroup(p.prefix.Group)
}

// assumeRoute brings an agent that waits for its extranonce, before it says who
// it is, to the fixed route.
func (l *loop) assumeRoute(p *peer, out []byte) ([]byte, session.Effect) {
	route, _, ok := l.server.directory.Login("")
	if !ok || p.route != nil {
		return out, session.Effect{} // AuthorizeTimeout ends it
	}
	if reason, ok := l.enterGroup(p, route); !ok {
		return l.unserved(p, reason, out)
	}
	return l.agentJob(p, true, out)
}

// tickAgent looks at an agent's deadlines, and whether what its lane has found
// out about the pools meanwhile leaves it any.
func (l *loop) tickAgent(p *peer, out []byte) ([]byte, session.Effect) {
	effect := p.agent.session.Tick(&l.env)
	switch {
	case effect.Kind == session.WantRoute:
		return l.assumeRoute(p, out)
	case effect.Kind == session.None && p.feed != nil && p.agent.session.Waiting() && !p.route.Fits(p.prefix):
		return l.unserved(p, session.ExtranonceTooSmall, out)
	}
	return out, effect
}

// agentJob sends the lane's last job to an agent.
func (l *loop) agentJob(p *peer, clean bool, out []byte) ([]byte, session.Effect) {
	before := p.agent.session.Notifies()
	out, effect := p.agent.session.Job(&l.env, clean, out)
	l.counts.Notifies.Add(p.agent.session.Notifies() - before)
	p.agent.session.Changed(func(session uint16, d float64) {
		if b := p.agent.miner(session).worker.booked(); b != nil {
			b.SetDifficulty(d)
		}
	})
	if effect.Kind == session.Hangup {
		return l.unserved(p, effect.Reason, out)
	}
	return out, effect
}

// unserved ends an agent's connection for reason. Where the pool leaves too
// little for agents, the agent and the log are told so.
func (l *loop) unserved(p *peer, reason session.Reason, out []byte) ([]byte, session.Effect) {
	if reason == session.ExtranonceTooSmall {
		pool, _ := p.route.Names()
		text := "Pool " + pool + " leaves too little for an agent, which needs an extranonce2 of 8 bytes, and 12 with extranonce1"
		if job := p.feed.Job(); job != nil {
			text += fmt.Sprintf("; it gives %d, and %d", job.Layout.Size(), job.Layout.Size()+len(job.Extranonce1))
		}
		text += ": take a pool with more, or connect the miners without an agent; a farmproxy connects by stratum+tcp:// instead, if the pool gives 4 bytes"
		if l.wall.Sub(l.unservedLogged) >= closeLogEvery {
			l.unservedLogged = l.wall
			l.server.log.Warn("agent closed", "why", text, "address", p.remote.String())
		}
		out = p.agent.session.Unserved(codec.CleanText([]byte(text), maxText), out)
	}
	return out, session.Effect{Kind: session.Hangup, Reason: reason}
}

// register makes a miner of an agent a member of the agent's lane, or gives it
// another name.
func (l *loop) register(p *peer, e *session.Effect) {
	m := upstream.Member{Prefix: p.prefixOf(e.Session), Login: e.Login, Agent: l.intern(e.Agent)}
	miner := p.agent.miner(e.Session)
	if old := p.agent.session.Name(e.Session); old == "" {
		p.route.Join(m)
		l.counts.Miners.Add(1)
		l.counts.Subscribed.Add(1)
		l.counts.Authorized.Add(1)
	} else if old == e.Login {
		return
	} else {
		l.disconnected(miner.worker)
		p.feed.lane.Rename(m)
	}
	if !l.server.book.HasEarned(e.Login) && !p.mayName() {
		miner.worker = worker{further: &further{loop: l, peer: p, login: e.Login, agent: m.Agent}}
		p.agent.session.Registered(&l.env, e.Session, e.Login, 0)
	} else {
		w := l.connected(p, e.Login, m.Agent)
		miner.worker = worker{books: w}
		last := w.Difficulty()
		if d := p.agent.session.Registered(&l.env, e.Session, e.Login, last); last == 0 && d > 0 {
			w.SetDifficulty(d) // a job, and what it changes, may be a minute away
		}
	}
	if debt, next := l.server.debts.arrive(p.remote.Addr(), e.Login, l.env.Now); debt > 0 {
		p.agent.session.Inherit(e.Session, debt, next)
	}
}

// unregistered is called when a miner of an agent has gone.
func (l *loop) unregistered(p *peer, id uint16) {
	m := p.agent.miner(id)
	l.disconnected(m.worker)
	m.worker = worker{}
	p.agent.forget(id, m)
	p.feed.lane.Leave(p.prefixOf(id))
	l.counts.Miners.Add(-1)
	l.counts.Subscribed.Add(-1)
	l.counts.Authorized.Add(-1)
}

// disconnected closes the books of a worker of an agent.
func (l *loop) disconnected(w worker) {
	if w.further != nil {
		w.further.gone()
	}
	if b := w.booked(); b != nil {
		b.Disconnected(l.wall)
	}
}

// answerAgent keeps an answer to a share until all mail is read: it may be one
// of thousands.
func (l *loop) answerAgent(p *peer, v *upstream.Verdict) {
	a := p.agent
	if len(a.answers) == 0 {
		l.answered = append(l.answered, p)
	}
	a.answers = a.session.Verdict(&v.ID, v.Verdict, a.answers)
}

// flushAgents writes the answers that were kept.
func (l *loop) flushAgents() {
	for _, p := range l.answered {
		l.write(p, p.agent.answers)
		p.agent.answers = p.agent.answers[:0]
	}
	clear(l.answered)
	l.answered = l.answered[:0]
}

// miner returns one of the agent's miners.
func (a *agentPeer) miner(session uint16) *agentMiner {
	m := a.miners[session]
	if m == nil {
		if a.miners == nil {
			a.miners = make(map[uint16]*agentMiner)
		}
		m = new(agentMiner)
		a.miners[session] = m
	}
	return m
}

// forget lets go of a miner of which nothing is left.
func (a *agentPeer) forget(session uint16, m *agentMiner) {
	if m.worker == (worker{}) && m.waiting == 0 {
		delete(a.miners, session)
	}
}

// settled takes note of the verdict on a share of one of the agent's miners. It may
// have gone and come back: what waits is counted all the same.
func (a *agentPeer) settled(session uint16, v *upstream.Verdict) {
	if m := a.miners[session]; m != nil && m.waiting > 0 {
		m.waiting--
		a.forget(session, m)
	}
	a.session.Settled(session, v.Verdict, v.Own)
}
