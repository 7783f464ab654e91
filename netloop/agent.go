package netloop

import (
	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

// agentPeer is the extra state of a peer that is an agent: BTCAgent, or another
// farmproxy, which brings many miners over one connection.
//
// An agent chooses its miners' session ids, which serve as their prefixes, so it needs
// a whole group of prefixes to itself, and with it a lane to itself: it is that lane's
// only peer on any loop. The peer is in the lane's feed once, for all of its miners;
// each of them is a member of the lane.
type agentPeer struct {
	session session.Agent
	stream  agentStream
	answers []byte                 // to shares, from one collection of mail
	miners  map[uint16]*agentMiner // by session id
	most    int                    // of them since the last tick: all may leave at once

	unproven int // of them are counted in Server.unproven
}

// agentMiner is what the loop knows of one of an agent's miners. It outlives the miner
// while shares of it wait for a verdict.
type agentMiner struct {
	worker  worker
	waiting uint16 // its shares without the pool's verdict
}

// newAgentPeer turns a peer into an agent. The peer no longer counts as a miner; its
// miners do.
func newAgentPeer(l *loop, p *peer) dialect {
	l.counts.Miners.Add(-1)
	l.counts.Agents.Add(1)
	a := new(agentPeer)
	a.session.Opened = l.env.Now - p.session.Age(l.env.Now)
	return a
}

func (a *agentPeer) next(l *loop, p *peer, data, out []byte) (rest, answers []byte, effect session.Effect) {
	m, rest, reason, ok := a.stream.next(data, &l.halves)
	switch {
	case !ok:
		effect = session.Effect{Kind: session.Hangup, Reason: reason}
	case m.frame != nil:
		out, effect = a.frame(l, p, m.frame, out)
	case m.oversized:
		l.counts.Malformed.Add(1)
	case len(m.line) > 0:
		out, effect = l.line(p, a, m.line, out)
	}
	return rest, out, effect
}

func (a *agentPeer) malformed(l *loop, _ *peer, err *codec.Error, out []byte) ([]byte, session.Effect) {
	return a.session.Malformed(&l.env, err, out)
}

func (a *agentPeer) request(l *loop, p *peer, out []byte) ([]byte, session.Effect) {
	out, effect := a.session.Step(&l.env, &l.request, out)
	if effect.Kind == session.WantAuthorize {
		return a.authorize(l, p, effect.Login, out)
	}
	if effect.Kind == session.None && a.session.Waiting() && p.feed != nil {
		return a.job(l, p, true, out) // it has authorized before it subscribed
	}
	return out, effect
}

// frame handles one frame.
func (a *agentPeer) frame(l *loop, p *peer, f agent.Frame, out []byte) ([]byte, session.Effect) {
	l.counts.Messages.Add(1)
	p.tap().Add(l.wall, false, f)
	command := f.Command()
	if reason, flood := l.floods(p); flood {
		return out, session.Effect{Kind: session.Hangup, Reason: reason}
	}
	if command == agent.Submit {
		p.sent.shares++
	}
	if !l.ready(p, command != agent.Register && command != agent.Unregister) {
		return out, session.Effect{Kind: session.Hangup}
	}
	out, effect := a.session.Frame(&l.env, f, out)
	switch effect.Kind {
	case session.WantRegister:
		if !a.mayRegister(l, p, effect.SID) {
			return out, session.Effect{Kind: session.Hangup, Reason: session.Full}
		}
		a.register(l, p, &effect)
	case session.Unregistered:
		l.server.debts.leave(p.remote.Addr(), effect.Gone.Name(), effect.Gone.Leave(p.doubtful(a.minerOf(effect.SID).waiting)), l.env.Now)
		a.unregistered(l, p, effect.SID, effect.Gone.Name())
	case session.Malformed:
		l.counts.Malformed.Add(1)
	default:
		var w worker
		if effect.Worker != 0 {
			w = a.minerOf(effect.SID).worker
		}
		out = l.share(p, w, &effect, out)
	}
	return out, effect
}

// authorize puts an agent on its own lane of its user's goal.
func (a *agentPeer) authorize(l *loop, p *peer, user string, out []byte) ([]byte, session.Effect) {
	goal, account, err := l.server.directory.LoginFrom(l.agentCaller(p, user))
	if err != nil {
		text := l.nowhere(err)
		out = a.session.Refused(&l.request, text, out)
		if effect := l.refusedLogin(p); effect.Kind == session.Hangup {
			return a.session.Unserved(text, out), effect
		}
		if _, _, err := l.server.directory.LoginFrom(l.agentCaller(p, "")); err == nil || !a.session.Waiting() {
			return out, session.Effect{}
		}
		// Its answers wait for an extranonce that nobody will provide.
		return a.session.Unserved(text, out), session.Effect{Kind: session.Hangup, Reason: session.AccountGone}
	}
	l.server.logins.note(account)
	p.login = user
	if reason, ok := a.enter(l, p, goal); !ok {
		return a.unserved(l, p, reason, out)
	}
	l.openBooks(p)
	return a.job(l, p, true, a.session.Authorized(&l.request, user, out))
}

// enter puts an agent on a lane of its own on a goal; if it can't be there, ok is
// false and reason says why.
func (a *agentPeer) enter(l *loop, p *peer, goal *upstream.Goal) (reason session.Reason, ok bool) {
	if p.goal != nil {
		return session.ExtranonceChanged, p.goal == goal
	}
	group, ok := l.server.directory.Prefixes().TakeGroup(p.remote.Addr())
	if !ok {
		return session.Full, false
	}
	p.prefix = upstream.Prefix{Group: group, Len: session.AgentPrefix}
	p.goal = goal
	l.feed(goal.JoinGroup(group, p.remote.Addr(), p.login)).join(p)
	if p.feed.split {
		l.splitMiner(p)
	}
	l.setEnv(p)
	return session.ExtranonceTooSmall, goal.Fits(p.prefix)
}

// agentCaller describes an agent that logs in as a user: it goes where a whole group of
// prefixes has room.
func (l *loop) agentCaller(p *peer, user string) upstream.Caller {
	c := l.caller(p, user)
	c.Agent = true
	return c
}

// leave takes an agent and all of its miners off its lane. An inherited one whose lane is
// gone has none.
func (a *agentPeer) leave(l *loop, p *peer) {
	a.session.Miners(func(sid uint16, name string) { a.unregistered(l, p, sid, name) })
	if f := p.feed; f != nil {
		f.leave(p)
		f.lane.LeaveGroup()
		f.tellKept()
		delete(l.feeds, f.lane)
	}
	if p.prefix.Len > 0 {
		l.server.directory.Prefixes().ReleaseGroup(p.prefix.Group)
	}
}

// assumeRoute puts an agent that waits for its extranonce before it authorizes where those
// belong whose login is no account's.
func (a *agentPeer) assumeRoute(l *loop, p *peer, out []byte) ([]byte, session.Effect) {
	goal, _, err := l.server.directory.LoginFrom(l.agentCaller(p, ""))
	if err != nil || p.goal != nil {
		return out, session.Effect{} // AuthorizeTimeout ends it
	}
	if reason, ok := a.enter(l, p, goal); !ok {
		return a.unserved(l, p, reason, out)
	}
	return a.job(l, p, true, out)
}

// tick checks an agent's deadlines, and whether its lane has since learnt that the
// pools leave it no room.
func (a *agentPeer) tick(l *loop, p *peer, out []byte) ([]byte, session.Effect) {
	a.most = len(a.miners)
	effect := a.session.Tick(&l.env)
	switch {
	case effect.Kind == session.WantRoute:
		return a.assumeRoute(l, p, out)
	case effect.Kind == session.None && p.feed != nil && a.session.Waiting() && !p.goal.Fits(p.prefix):
		return a.unserved(l, p, session.ExtranonceTooSmall, out)
	}
	return out, effect
}

// job sends an agent its lane's last job.
func (a *agentPeer) job(l *loop, p *peer, clean bool, out []byte) ([]byte, session.Effect) {
	before, rolled := a.session.Notifies(), a.session.Rolls()
	out, effect := a.session.Job(&l.env, clean, out)
	a.rolls(rolled)
	l.counts.Notifies.Add(a.session.Notifies() - before)
	a.session.Changed(func(sid uint16, d float64) {
		if b := a.minerOf(sid).worker.booked(); b != nil {
			b.SetDifficulty(d)
		}
	})
	if effect.Kind == session.Hangup {
		return a.unserved(l, p, effect.Reason, out)
	}
	return out, effect
}

// unserved closes an agent's connection for reason. If the pool leaves too little room
// for agents, the agent and the log are told so.
func (a *agentPeer) unserved(l *loop, p *peer, reason session.Reason, out []byte) ([]byte, session.Effect) {
	if reason == session.ExtranonceTooSmall {
		pool, _ := p.goal.Names()
		text := session.NoRoomForAgent(pool, p.feed.Job())
		if l.wall.Sub(l.unservedLogged) >= closeLogEvery {
			l.unservedLogged = l.wall
			l.server.log.Warn("agent closed", "why", text, "address", p.remote.String())
		}
		out = a.session.Unserved(codec.CleanText([]byte(text), maxText), out)
	}
	return out, session.Effect{Kind: session.Hangup, Reason: reason}
}

// register makes an agent's miner a member of the agent's lane, or renames it.
func (a *agentPeer) register(l *loop, p *peer, e *session.Effect) {
	m := upstream.Member{Prefix: prefixOf(p, e.SID), Login: e.Login, Agent: *l.intern(e.Agent), Address: p.remote.Addr()}
	miner := a.minerOf(e.SID)
	a.most = max(a.most, len(a.miners))
	if old := a.session.Name(e.SID); old == "" {
		m.Record = l.server.book.Vouches(e.Login, 0)
		p.goal.Join(m)
		l.counts.Miners.Add(1)
		l.counts.Subscribed.Add(1)
		l.counts.Authorized.Add(1)
	} else if old == e.Login {
		return
	} else {
		l.disconnected(miner.worker, p.reason)
		l.tellDisconnected("miner disconnected", p, miner.worker.tally, old)
		p.feed.lane.Rename(m)
	}
	if !l.server.book.HasEarned(e.Login) && !p.mayName() {
		miner.worker = worker{further: &further{loop: l, peer: p, login: e.Login, agent: m.Agent}}
		a.session.Registered(&l.env, e.SID, e.Login, 0)
	} else {
		w := l.connected(p, e.Login, m.Agent)
		w.SetVersionMask(a.session.Rolls())
		miner.worker = worker{books: w}
		last := w.Difficulty()
		if d := a.session.Registered(&l.env, e.SID, e.Login, last); last == 0 && d > 0 {
			w.SetDifficulty(d) // the next job, which would set it, may be a minute away
		}
	}
	miner.worker.tally = l.newTally()
	l.tellConnected(p, e.Login, m.Agent)
	l.trace(p, e.Login)
	if debt, next := l.server.debts.arrive(p.remote.Addr(), e.Login, l.env.Now); debt > 0 {
		a.session.Inherit(e.SID, debt, next)
	}
}

// unregistered removes a miner that an agent no longer has.
func (a *agentPeer) unregistered(l *loop, p *peer, id uint16, name string) {
	m := a.minerOf(id)
	l.disconnected(m.worker, p.reason)
	l.tellDisconnected("miner disconnected", p, m.worker.tally, name)
	m.worker = worker{}
	a.forget(id, m)
	a.uncount(l, p, 1)
	if p.feed != nil {
		p.feed.lane.Leave(prefixOf(p, id))
	}
	l.counts.Miners.Add(-1)
	l.counts.Subscribed.Add(-1)
	l.counts.Authorized.Add(-1)
}

// disconnected closes the books of an agent's worker.
func (l *loop) disconnected(w worker, reason session.Reason) {
	if w.further != nil {
		w.further.gone()
	}
	if b := w.booked(); b != nil {
		b.Disconnected(l.wall, uint8(reason))
	}
}

// verdict keeps the answer to a share until all mail is read: it may be one of
// thousands. The miner may have left and come back: its waiting shares are counted all
// the same.
func (a *agentPeer) verdict(l *loop, p *peer, v *upstream.Verdict) (over bool) {
	id, _ := agent.ShareOf(&v.ID)
	if m := a.miners[id]; m != nil {
		m.waiting -= min(m.waiting, 1)
		a.forget(id, m)
	}
	a.session.Settled(id, v.Verdict, v.Own)
	if !v.Answered {
		if len(a.answers) == 0 {
			l.answered = append(l.answered, p)
		}
		a.answers = a.session.Verdict(&v.ID, v.Verdict, a.answers)
	}
	return false
}

// flushAgents writes the answers kept by verdict.
func (l *loop) flushAgents() {
	for _, p := range l.answered {
		a := p.dialect.(*agentPeer)
		l.write(p, a.answers)
		a.answers = a.answers[:0]
	}
	clear(l.answered)
	l.answered = l.answered[:0]
}

func (a *agentPeer) judge(l *loop, _ *peer, c *session.Candidate, out []byte) ([]byte, session.Effect) {
	return a.session.Judge(&l.env, c, out)
}

func (a *agentPeer) refuse(_ *peer, id *codec.ID, v work.Verdict, out []byte) []byte {
	return a.session.Verdict(id, v, out)
}

func (a *agentPeer) miner(_ *peer, share *codec.ID) (prefix uint16, waiting *uint16) {
	prefix, _ = agent.ShareOf(share)
	return prefix, &a.minerOf(prefix).waiting
}

func (a *agentPeer) tally(_ *peer, share *codec.ID) *tally {
	sid, _ := agent.ShareOf(share)
	if m := a.miners[sid]; m != nil {
		return m.worker.tally
	}
	return nil
}

// prefixOf returns the prefix of one of an agent's miners: its session id, in the
// agent's group.
func prefixOf(p *peer, id uint16) upstream.Prefix {
	x := p.prefix
	x.Value = id
	return x
}

func (a *agentPeer) waits(*peer) bool {
	for _, m := range a.miners {
		if m.waiting > 0 {
			return true
		}
	}
	return false
}

func (a *agentPeer) lastJob(*peer) uint32 { return a.session.LastJob() }

func (a *agentPeer) adjust(l *loop, _ *peer, out []byte) []byte {
	defer a.rolls(a.session.Rolls())
	return a.session.Adjust(&l.env, out)
}

// rolls notes in the books which version bits the miners may roll, if they are not those of before.
func (a *agentPeer) rolls(before uint32) {
	mask := a.session.Rolls()
	if mask == before {
		return
	}
	for _, m := range a.miners {
		if b := m.worker.booked(); b != nil {
			b.SetVersionMask(mask)
		}
	}
}

// move closes an agent: its miners' prefixes belong to a group tied to its lane.
func (a *agentPeer) move(l *loop, p *peer, _ *upstream.Goal) {
	l.close(p, session.ExtranonceChanged)
}

func (a *agentPeer) workers(_ *peer, visit func(*stats.Worker)) {
	for _, m := range a.miners {
		if b := m.worker.booked(); b != nil {
			visit(b)
		}
	}
}

func (a *agentPeer) partial(*peer) *lines { return &a.stream.lines }

func (a *agentPeer) left(l *loop, p *peer) {
	a.session.Miners(func(id uint16, name string) {
		l.server.debts.leave(p.remote.Addr(), name, a.session.Leave(id, p.doubtful(a.minerOf(id).waiting)), l.env.Now)
	})
	p.lines.drop(&l.halves)
	a.stream.drop(&l.halves)
	a.leave(l, p)
	l.counts.Agents.Add(-1)
}

func (a *agentPeer) limits() limits { return limits{maxAgentOutbound, a.most, maxAgentUnearned} }

// minerOf returns one of the agent's miners, which it adds if need be.
func (a *agentPeer) minerOf(sid uint16) *agentMiner {
	m := a.miners[sid]
	if m == nil {
		if a.miners == nil {
			a.miners = make(map[uint16]*agentMiner)
		}
		m = new(agentMiner)
		a.miners[sid] = m
	}
	return m
}

// forget drops a miner that has neither a worker nor shares that wait.
func (a *agentPeer) forget(sid uint16, m *agentMiner) {
	if m.worker == (worker{}) && m.waiting == 0 {
		delete(a.miners, sid)
	}
}
