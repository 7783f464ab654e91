package netloop

import (
	"strings"

	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// A miner's goal is that of its worker, and its lane on that goal follows from its
// prefix. So it needs both subscribe and authorize, in either order.

// subscribe gives a miner its prefix: that of the session it resumes, or a new one.
func (l *loop) subscribe(p *peer, e *session.Effect, out []byte) ([]byte, session.Effect) {
	directory := l.server.directory
	p.userAgent = l.intern(e.Agent)
	parked, resumed := l.server.parked.resume(e.Resume)
	length, extranonce2 := directory.Shape()
	behind := isFarmproxy(p.agent())
	if behind {
		length, extranonce2 = directory.ShapeBehind()
	}
	if resumed && (!l.stillFits(p, &parked) || behind && parked.state.Extranonce2() < upstream.MinShared) {
		l.server.parked.release(parked.prefix, parked.last, parked.used)
		resumed = false
	}
	if behind && !resumed && extranonce2 < upstream.MinShared {
		l.tooLittle(p, extranonce2)
	}
	if resumed {
		p.prefix, p.last = parked.prefix, parked.last
		if parked.used {
			p.marks |= forwarded
		}
		if parked.earned {
			l.proven(p)
		}
		l.resumeSplit(p, &parked)
	} else {
		var ok bool
		if p.prefix, ok = directory.Prefixes().Take(length); !ok {
			return out, session.Effect{Kind: session.Hangup, Reason: session.Full}
		}
	}
	l.counts.Subscribed.Add(1)
	if p.goal != nil {
		l.enter(p)
	}
	if resumed {
		l.counts.Resumed.Add(1)
		before := parked.session()
		return p.session.Resume(&l.env, &l.request, &before, out), session.Effect{}
	}
	var prefix [2]byte
	return p.session.Subscribed(&l.env, &l.request, l.server.newSessionID(), p.prefix.Append(prefix[:0]), extranonce2, out), session.Effect{}
}

// isFarmproxy reports whether the miner is another farmproxy, in a branch office: it
// divides its extranonce2 among miners of its own.
func isFarmproxy(userAgent string) bool { return strings.HasPrefix(userAgent, "farmproxy/") }

// tooLittle logs that a farmproxy behind this one can't work here.
func (l *loop) tooLittle(p *peer, extranonce2 int) {
	if l.wall.Sub(l.unservedLogged) < closeLogEvery {
		return
	}
	l.unservedLogged = l.wall
	l.server.log.Warn("the extranonce2 is too small for a farmproxy behind this one; use pools that give 4 bytes or more if it connects by stratum+tcp://, or 8 if it connects by agent+tcp://",
		"address", p.remote.String(), "bytes", extranonce2, "needed", upstream.MinShared)
}

// stillFits reports whether a parked session can continue: a pool has room for its
// prefix where its miner works, or did.
func (l *loop) stillFits(p *peer, parked *parkedSession) bool {
	goal := p.goal
	if goal == nil && parked.last != nil {
		goal = parked.last.Goal()
	}
	return goal == nil || goal.Fits(parked.prefix)
}

// Answers to logins that lead nowhere.
const (
	unknownAccount = "Unknown account: register it first, and log in as NAME.WORKER"
	manyOfYours    = "Too many new users from your address: try again in a minute"
	tooManyUsers   = "Too many new users: try again in a minute"
)

// nowhere returns the answer to a login that leads nowhere, and counts it.
func (l *loop) nowhere(err error) string {
	switch err {
	case upstream.ErrManyOfYours:
		l.counts.UsersCrowd.Add(1)
		return manyOfYours
	case upstream.ErrTooManyUsers:
		l.counts.UsersNoRoom.Add(1)
		return tooManyUsers
	}
	return unknownAccount
}

// authorize books the miner under its worker's name, and puts it on that worker's
// goal. said is the login as the miner sent it.
func (l *loop) authorize(p *peer, said string, out []byte) ([]byte, session.Effect) {
	login := l.server.settings.Load().names.login(said, p.remote.Addr())
	goal, account, err := l.server.directory.LoginFrom(l.caller(p, login))
	if err != nil {
		return p.session.Refused(&l.request, l.nowhere(err), out), l.refusedLogin(p)
	}
	before := p.feed
	if p.strays(goal) {
		return p.session.Refused(&l.request, tooManyAccounts, out), session.Effect{}
	}
	counts := p.session.IsAuthorized() && !p.is(earned)
	if counts && !l.server.unproven.add(p.remote.Addr()) {
		return p.session.Refused(&l.request, tooManyNames, out), session.Effect{}
	}
	if !l.follow(p, goal, login) {
		if counts {
			l.server.unproven.drop(p.remote.Addr(), 1)
		}
		return out, session.Effect{Kind: session.Hangup, Reason: session.ExtranonceTooSmall}
	}
	l.server.logins.note(account)
	if p.session.IsAuthorized() {
		l.openBooks(p)
		p.adds(&further{loop: l, peer: p, login: login, agent: p.agent()})
		l.tellConnected(p, login, p.agent())
		l.trace(p, login)
		out = p.session.Authorized(&l.env, &l.request, said, 0, out)
	} else {
		l.counts.Authorized.Add(1)
		l.owes(p)
		p.first = l.connected(p, login, p.agent())
		if name := p.first.Name(); name == login { // one shared copy of it
			if p.login = name; said == name {
				said = name
			}
		}
		l.openBooks(p)
		l.tellConnected(p, p.login, p.agent())
		l.trace(p, p.login)
		out = p.session.Authorized(&l.env, &l.request, said, p.first.Difficulty(), out)
	}
	effect := session.Effect{}
	if before != nil && p.feed != before {
		out, effect = l.moved(p, before, out)
	}
	if d := p.session.Difficulty(); d > 0 {
		p.booked(func(w *stats.Worker) { w.SetDifficulty(d) })
		p.books().SetDifficulty(d)
	}
	return out, effect
}

// maxStrayed is how many times a connection may switch to another account before its
// first accepted share: each switch may open a link. A miner has one account, and
// perhaps a second one for its developer's fee.
const maxStrayed = 4

// tooManyAccounts is the answer beyond that limit.
const tooManyAccounts = "Too many accounts on one connection before a share"

// tooManyNames is the answer to one more name without an accepted share: see unproven.
const tooManyNames = "Too many workers without a share: try again when one was accepted"

// strays reports whether a miner without an accepted share has switched accounts too
// often to switch again.
func (p *peer) strays(next *upstream.Goal) bool {
	if p.goal == nil || p.goal == next || p.is(earned) {
		return false
	}
	more := p.more()
	more.strayed = min(more.strayed+1, maxStrayed+1)
	return more.strayed > maxStrayed
}

// reauthorize is authorize for a name that the miner has already authorized.
func (l *loop) reauthorize(p *peer, said string, out []byte) ([]byte, session.Effect) {
	login := l.server.settings.Load().names.login(said, p.remote.Addr())
	goal, _, err := l.server.directory.LoginFrom(l.caller(p, login))
	if err != nil {
		return out, session.Effect{Kind: session.Hangup, Reason: session.AccountGone}
	}
	if p.strays(goal) {
		return out, session.Effect{} // it stays where it is
	}
	return l.change(p, goal, login, out)
}

// change moves a working miner to another worker's goal, if it is a different one.
func (l *loop) change(p *peer, goal *upstream.Goal, login string, out []byte) ([]byte, session.Effect) {
	before := p.feed
	if !l.follow(p, goal, login) {
		return out, session.Effect{Kind: session.Hangup, Reason: session.ExtranonceTooSmall}
	}
	if before == nil || p.feed == before {
		return out, session.Effect{}
	}
	p.booked(func(w *stats.Worker) {
		if w.Name() == login {
			pool, algorithm := p.at()
			w.Mining(goal.Account(), pool, algorithm)
		}
	})
	l.openBooks(p)
	return l.moved(p, before, out)
}

// follow puts the miner on the goal of the worker that it now mines for; false if its
// prefix is too long for that goal's pools: it has to reconnect for a shorter one.
func (l *loop) follow(p *peer, goal *upstream.Goal, login string) bool {
	renamed := p.login != login
	p.login = login
	if p.goal == goal {
		if renamed && p.feed != nil {
			p.feed.lane.Rename(p.member())
		}
		return true
	}
	subscribed := p.session.IsSubscribed()
	if subscribed && !goal.Fits(p.prefix) {
		return false
	}
	l.leave(p)
	p.goal = goal
	if subscribed {
		l.enter(p)
	}
	return true
}

// openBooks opens the per-connection books that the account proxy kept: an agent's
// count all of its miners.
func (l *loop) openBooks(p *peer) {
	p.books().Close(l.wall)
	if m := l.server.book.OpenMiner(p.series()); m != nil {
		m.SetDifficulty(p.session.Difficulty())
		p.more().books = m
	} else if p.rare != nil {
		p.rare.books = nil
	}
}

// series returns what the account proxy's series of a miner on a goal are called.
func (p *peer) series() (address, account, algorithm, pool string) {
	pool, algorithm = p.at()
	account = p.goal.Account()
	if account == "" {
		account, _, _ = strings.Cut(p.login, ".")
	}
	return p.remote.String(), account, algorithm, pool
}

// enter makes the miner a member of its lane.
func (l *loop) enter(p *peer) {
	p.last = p.goal.Join(l.newMember(p))
	l.feed(p.last).join(p)
	if p.feed.split {
		l.splitMiner(p)
	}
	l.setEnv(p)
	p.session.Enter(l.env.Feed, p.last.Since(p.prefix))
}

// leave takes the miner off its lane, if it is on one.
func (l *loop) leave(p *peer) {
	f := p.feed
	if f == nil {
		return
	}
	f.leave(p)
	if p.used() {
		f.lane.Leave(p.prefix)
	} else {
		f.lane.LeaveUnused(p.prefix)
	}
	if len(f.members) == 0 {
		f.tellKept()
		delete(l.feeds, f.lane)
	}
}

// moved sends a working miner the job of its new lane.
func (l *loop) moved(p *peer, before *feed, out []byte) ([]byte, session.Effect) {
	old, now := before.Job(), p.feed.Job()
	same := old != nil && now != nil && old.Algorithm.Name == now.Algorithm.Name
	return p.session.Moved(&l.env, same, out)
}

// dismissed closes the miners of a lane that gave up its place to another lane.
func (l *loop) dismissed(lane *upstream.Lane) {
	for f := l.feeds[lane]; f != nil && len(f.members) > 0; f = l.feeds[lane] {
		l.close(f.members[len(f.members)-1], session.NoShare)
	}
}

// rerouted moves the miners of a goal to where their workers belong now.
func (l *loop) rerouted(goal *upstream.Goal) {
	for i := range l.slots {
		p := l.slots[i].peer
		if p == nil || p.goal != goal {
			continue
		}
		next, _, err := l.server.directory.LoginFrom(l.caller(p, p.login))
		if err != nil {
			l.close(p, session.AccountGone)
			continue
		}
		if next != goal {
			p.dialect.move(l, p, next)
		}
	}
}
