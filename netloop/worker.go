package netloop

import (
	"farmproxy/session"
	"farmproxy/stats"
)

// worker is where a miner's shares under one name are booked. The zero worker is
// nobody.
type worker struct {
	books   *stats.Worker // nil: see further
	further *further      // nil: it has had books since it authorized
	tally   *tally        // of its miner; nil: none is kept
}

// worker returns the worker that the peer's session means.
func (p *peer) worker(w session.Worker) worker {
	switch w {
	case 0:
		return worker{tally: p.tally()}
	case 1:
		return worker{books: p.first, tally: p.tally()}
	}
	return worker{further: p.others()[w-2], tally: p.tally()}
}

// opened returns the books of a worker that sent a share. If the share counts, they
// exist from now on; nil: it has none yet.
func (w worker) opened(counts bool) *stats.Worker {
	if w.further != nil {
		return w.further.open(counts)
	}
	return w.books
}

// booked returns the worker's books; nil: none yet.
func (w worker) booked() *stats.Worker {
	if w.further != nil {
		return w.further.books
	}
	return w.books
}

// name returns the worker's name, as it is booked; "" for nobody.
func (w worker) name() string {
	switch {
	case w.books != nil:
		return w.books.Name()
	case w.further != nil:
		return w.further.login
	}
	return ""
}

// maxUnearned is how many of a connection's further workers may have books before an
// accepted share; maxAgentUnearned is the same for an agent, whose miners should be
// visible as soon as they connect.
const (
	maxUnearned      = 8
	maxAgentUnearned = 1024
)

// further is a worker that a connection authorized after its first. It gets books with
// its first share, or with its first accepted share if many others have had none
// accepted: otherwise one socket could fill the books with names.
type further struct {
	loop  *loop
	peer  *peer // nil: the miner has left
	login string
	agent string        // user agent
	books *stats.Worker // nil: none yet
}

// open opens its books for a share, if it may have any.
func (f *further) open(counts bool) *stats.Worker {
	if f.books != nil || f.peer == nil {
		return f.books
	}
	if !counts && !f.peer.mayName() {
		return nil
	}
	f.books = f.loop.connected(f.peer, f.login, f.agent)
	return f.books
}

// adds adds one more worker of the miner.
func (p *peer) adds(f *further) {
	more := p.more()
	more.others = append(more.others, f)
}

// gone records that its miner has left.
func (f *further) gone() { f.peer = nil }

// mayName reports whether one more worker without an accepted share may have books,
// and counts it.
func (p *peer) mayName() bool {
	more := p.more()
	if more.unearned >= p.dialect.limits().unearned {
		return false
	}
	more.unearned++
	return true
}

// rolls notes in the books which version bits the miner may roll, if they are not those of before.
func (p *peer) rolls(before uint32) {
	if mask := p.session.Rolls(); mask != before {
		p.booked(func(w *stats.Worker) { w.SetVersionMask(mask) })
	}
}

// booked visits the books of those of the miner's workers that have any.
func (p *peer) booked(visit func(*stats.Worker)) {
	if p.first != nil {
		visit(p.first)
	}
	for _, f := range p.others() {
		if f.books != nil {
			visit(f.books)
		}
	}
}

// connectedAs returns how many of the miners counted under a worker are this one: 1 if
// its books are open, otherwise 0.
func (p *peer) connectedAs(login string) (n int) {
	p.booked(func(w *stats.Worker) {
		if w.Name() == login {
			n = 1
		}
	})
	return n
}

// connected opens the books of a worker of a connected miner.
func (l *loop) connected(p *peer, login, agent string) *stats.Worker {
	w := l.server.book.Worker(login)
	w.Connected(l.wall, p.remote.String(), agent)
	w.SetVersionMask(p.session.Rolls())
	w.CameBy(p.listener.bound)
	pool, algorithm := p.at()
	w.Mining(p.goal.Account(), pool, algorithm)
	return w
}

// at returns the pool and the algorithm that the miner works for, as metrics call them:
// those of its lane, or before that has a job, of its goal.
func (p *peer) at() (pool, algorithm string) {
	pool, algorithm = p.goal.Names()
	if p.feed != nil && p.feed.pool != "" {
		pool = p.feed.pool
	}
	return pool, algorithm
}

// mine notes in the books of all workers of the connection where they work now: at
// another pool, after a failover.
func (p *peer) mine() {
	pool, algorithm := p.at()
	account := p.goal.Account()
	p.dialect.workers(p, func(w *stats.Worker) { w.Follows(account, pool, algorithm) })
}
