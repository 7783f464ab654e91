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
	if resumed && !l.stillFits(p, &parked) {
		directory.Prefixes().Release(parked.prefix, parked.last)
		resumed = false
	}
	length, extranonce2 := directory.Shape()
	if resumed {
		p.prefix, p.last = parked.prefix, parked.last
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
		return p.session.Resume(&l.env, &l.request, &parked.session, out), session.Effect{}
	}
	var prefix [2]byte
	return p.session.Subscribed(&l.env, &l.request, l.server.newSessionID(), p.prefix.Append(prefix[:0]), extranonce2, out), session.Effect{}
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

// unknownAccount is what those are told whose login leads nowhere.
const unknownAccount = "Unknown account: register it first, and log in as NAME.WORKER"

// authorize books the miner under its worker's name, and brings it to that
// worker's route. said is the login as the miner says it.
func (l *loop) authorize(p *peer, said string, out []byte) ([]byte, session.Effect) {
	login := l.server.names.login(said, p.conn.RemoteAddr())
	route, account, ok := l.server.directory.Login(login)
	if !ok {
		return p.session.Refused(&l.request, unknownAccount, out), session.Effect{}
	}
	before := p.feed
	if !l.follow(p, route, login) {
		return out, session.Effect{Kind: session.Hangup, Reason: session.ExtranonceTooSmall}
	}
	if !p.session.IsAuthorized() {
		l.counts.Authorized.Add(1)
		l.owes(p)
	}
	w := l.server.book.Worker(login)
	w.Connected(l.wall, p.conn.RemoteAddr().String(), p.userAgent)
	l.server.seen.note(account)
	l.mines(p, w)
	out = p.session.Authorized(&l.env, &l.request, named(w, said), w.Difficulty(), out)
	effect := session.Effect{}
	if before != nil && p.feed != before {
		out, effect = l.moved(p, before, out)
	}
	if d := p.session.Difficulty(); d > 0 {
		w.SetDifficulty(d)
		p.books.SetDifficulty(d)
	}
	return out, effect
}

// reauthorize is authorize for a name that the miner has named before.
func (l *loop) reauthorize(p *peer, said string, out []byte) ([]byte, session.Effect) {
	login := l.server.names.login(said, p.conn.RemoteAddr())
	route, _, ok := l.server.directory.Login(login)
	if !ok {
		return out, session.Effect{Kind: session.Hangup, Reason: session.AccountGone}
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
	l.mines(p, l.server.book.Worker(login))
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

// mines books what the miner mines now, and for whom.
func (l *loop) mines(p *peer, w *stats.Worker) {
	pool, algorithm := p.route.Names()
	w.Mining(p.route.Account(), pool, algorithm)
	l.openBooks(p)
	p.books.SetDifficulty(p.session.Difficulty())
}

// openBooks opens the books that the account proxy kept of a connection: an
// agent's count all of its miners.
func (l *loop) openBooks(p *peer) {
	pool, algorithm := p.route.Names()
	account := p.route.Account()
	if account == "" {
		account, _, _ = strings.Cut(p.login, ".")
	}
	p.books.Close(l.wall)
	p.books = l.server.book.OpenMiner(p.conn.RemoteAddr().String(), account, algorithm, pool)
}

// enter makes the miner a member of its lane.
func (l *loop) enter(p *peer) {
	p.last = p.route.Join(p.member())
	l.feed(p.last).join(p)
	l.see(p)
	p.session.Enter(l.env.Feed, p.last.Since(p.prefix))
}

// leave takes the miner off its lane, if it is on one.
func (l *loop) leave(p *peer) {
	if p.agent != nil {
		l.leaveGroup(p)
		return
	}
	f := p.feed
	if f == nil {
		return
	}
	f.leave(p)
	f.lane.Leave(p.prefix)
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

// rerouted brings the miners of a route to where their workers belong now.
func (l *loop) rerouted(route *upstream.Route) {
	for i := range l.slots {
		p := l.slots[i].peer
		if p == nil || p.route != route {
			continue
		}
		next, _, ok := l.server.directory.Login(p.login)
		if !ok {
			l.close(p, session.AccountGone)
			continue
		}
		if next == route {
			continue
		}
		if p.agent != nil {
			l.close(p, session.ExtranonceChanged)
			continue
		}
		l.deliver(p, func(out []byte) ([]byte, session.Effect) { return l.change(p, next, p.login, out) })
	}
}
