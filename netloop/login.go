package netloop

import (
	"strings"

	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// Which lane a miner is on: its route is its worker's, its place there follows
// from its prefix. So it needs both, subscribe and authorize, in any order.

// subscribe gives a miner its prefix: the one of the session that it resumes,
// or a new one.
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
		p.prefix, p.last, p.earned, p.forwarded = parked.prefix, parked.last, parked.earned, parked.used
	} else {
		var ok bool
		if p.prefix, ok = directory.Prefixes().Take(length); !ok {
			return out, session.Effect{Kind: session.Hangup, Reason: session.Full}
		}
	}
	l.counts.Subscribed.Add(1)
	if p.route != nil {
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

// isFarmproxy reports that another farmproxy is at the other end, in a branch office:
// it shares out its extranonce2 among miners of its own.
func isFarmproxy(userAgent string) bool { return strings.HasPrefix(userAgent, "farmproxy/") }

// tooLittle says in the log that a farmproxy behind this one can't work here.
func (l *loop) tooLittle(p *peer, extranonce2 int) {
	if l.wall.Sub(l.unservedLogged) < closeLogEvery {
		return
	}
	l.unservedLogged = l.wall
	l.server.log.Warn("a farmproxy behind this one gets too small an extranonce2 to share out; take pools that give 4 bytes or more, for it to connect by stratum+tcp://, or 8, for agent+tcp:// too",
		"address", p.remote.String(), "bytes", extranonce2, "needed", upstream.MinShared)
}

// stillFits reports that a session that was parked can be gone on with: there is a
// pool with room for its prefix where its miner works, or did.
func (l *loop) stillFits(p *peer, parked *parkedSession) bool {
	route := p.route
	if route == nil && parked.last != nil {
		route = parked.last.Route()
	}
	return route == nil || route.Fits(parked.prefix)
}

// What those are told whose login leads nowhere.
const (
	unknownAccount = "Unknown account: register it first, and log in as NAME.WORKER"
	manyOfYours    = "Too many new users from your address: try again in a minute"
	tooManyUsers   = "Too many new users: try again in a minute"
)

// nowhere returns what the miner of a login that leads nowhere is told, and counts it.
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

// authorize books the miner under its worker's name, and brings it to that
// worker's route. said is the login as the miner says it.
func (l *loop) authorize(p *peer, said string, out []byte) ([]byte, session.Effect) {
	login := l.server.settings.Load().names.login(said, p.remote.Addr())
	route, account, err := l.server.directory.LoginFrom(login, p.remote.Addr())
	if err != nil {
		return p.session.Refused(&l.request, l.nowhere(err), out), session.Effect{}
	}
	before := p.feed
	if p.strays(route) {
		return p.session.Refused(&l.request, tooManyAccounts, out), session.Effect{}
	}
	if !l.follow(p, route, login) {
		return out, session.Effect{Kind: session.Hangup, Reason: session.ExtranonceTooSmall}
	}
	l.server.logins.note(account)
	if p.session.IsAuthorized() {
		l.openBooks(p)
		p.adds(&further{loop: l, peer: p, login: login, agent: p.agent()})
		out = p.session.Authorized(&l.env, &l.request, said, 0, out)
	} else {
		l.counts.Authorized.Add(1)
		l.owes(p)
		p.first = l.connected(p, login, p.agent())
		if name := p.first.Name(); name == login { // one copy of it for all
			if p.login = name; said == name {
				said = name
			}
		}
		l.openBooks(p)
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

// maxStrayed is how many times a connection may go to another account before it has
// handed in a share that counts: each may open a link. A miner has one account, and
// perhaps a second one for its developer's fee.
const maxStrayed = 4

// tooManyAccounts is what those are told who exceed it.
const tooManyAccounts = "Too many accounts on one connection before a share"

// strays reports that a miner that has never worked has changed its account too often
// to go to yet another.
func (p *peer) strays(next *upstream.Route) bool {
	if p.route == nil || p.route == next || p.earned {
		return false
	}
	p.strayed = min(p.strayed+1, maxStrayed+1)
	return p.strayed > maxStrayed
}

// reauthorize is authorize for a name that the miner has named before.
func (l *loop) reauthorize(p *peer, said string, out []byte) ([]byte, session.Effect) {
	login := l.server.settings.Load().names.login(said, p.remote.Addr())
	route, _, err := l.server.directory.LoginFrom(login, p.remote.Addr())
	if err != nil {
		return out, session.Effect{Kind: session.Hangup, Reason: session.AccountGone}
	}
	if p.strays(route) {
		return out, session.Effect{} // it stays where it is
	}
	return l.change(p, route, login, out)
}

// change puts a miner that works on another worker's route, if it is another.
func (l *loop) change(p *peer, route *upstream.Route, login string, out []byte) ([]byte, session.Effect) {
	before := p.feed
	if !l.follow(p, route, login) {
		return out, session.Effect{Kind: session.Hangup, Reason: session.ExtranonceTooSmall}
	}
	if before == nil || p.feed == before {
		return out, session.Effect{}
	}
	p.booked(func(w *stats.Worker) {
		if w.Name() == login {
			pool, algorithm := route.Names()
			w.Mining(route.Account(), pool, algorithm)
		}
	})
	l.openBooks(p)
	return l.moved(p, before, out)
}

// follow puts the miner on the route of the worker that it mines for now; false
// when its prefix is too long for that route's pools: it has to come back for
// a shorter one.
func (l *loop) follow(p *peer, route *upstream.Route, login string) bool {
	renamed := p.login != login
	p.login = login
	if p.route == route {
		if renamed && p.feed != nil {
			p.feed.lane.Rename(p.member())
		}
		return true
	}
	subscribed := p.session.IsSubscribed()
	if subscribed && !route.Fits(p.prefix) {
		return false
	}
	l.leave(p)
	p.route = route
	if subscribed {
		l.enter(p)
	}
	return true
}

// openBooks opens the books that the account proxy kept of a connection: an
// agent's count all of its miners.
func (l *loop) openBooks(p *peer) {
	pool, algorithm := p.route.Names()
	account := p.route.Account()
	if account == "" {
		account, _, _ = strings.Cut(p.login, ".")
	}
	p.books().Close(l.wall)
	if m := l.server.book.OpenMiner(p.remote.String(), account, algorithm, pool); m != nil {
		m.SetDifficulty(p.session.Difficulty())
		p.more().books = m
	} else if p.rare != nil {
		p.rare.books = nil
	}
}

// enter makes the miner a member of its lane.
func (l *loop) enter(p *peer) {
	m := p.member()
	m.Address, m.Record = p.remote.Addr(), l.server.book.Vouches(p.login, p.connectedAs(p.login))
	p.last = p.route.Join(m)
	l.feed(p.last).join(p)
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
		delete(l.feeds, f.lane)
	}
}

// moved gives a miner that works the job of its new lane.
func (l *loop) moved(p *peer, before *feed, out []byte) ([]byte, session.Effect) {
	old, now := before.Job(), p.feed.Job()
	same := old != nil && now != nil && old.Algorithm.Name == now.Algorithm.Name
	return p.session.Moved(&l.env, same, out)
}

// dismissed closes the miners of a lane that gave its place to another's.
func (l *loop) dismissed(lane *upstream.Lane) {
	for f := l.feeds[lane]; f != nil && len(f.members) > 0; f = l.feeds[lane] {
		l.close(f.members[len(f.members)-1], session.NoShare)
	}
}

// rerouted brings the miners of a route to where their workers belong now.
func (l *loop) rerouted(route *upstream.Route) {
	for i := range l.slots {
		p := l.slots[i].peer
		if p == nil || p.route != route {
			continue
		}
		next, _, err := l.server.directory.LoginFrom(p.login, p.remote.Addr())
		if err != nil {
			l.close(p, session.AccountGone)
			continue
		}
		if next != route {
			p.dialect.move(l, p, next)
		}
	}
}
