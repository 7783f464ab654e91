package netloop

import (
	"farmproxy/session"
	"farmproxy/stats"
)

// worker is where the shares under one name of a miner are booked. The zero worker is
// nobody.
type worker struct {
	books   *stats.Worker // nil: see further
	further *further      // nil: it has had books since it authorized
}

// worker returns which worker the peer's session means.
func (p *peer) worker(w session.Worker) worker {
	switch w {
	case 0:
		return worker{}
	case 1:
		return worker{books: p.first}
	}
	return worker{further: p.others()[w-2]}
}

// opened returns the books of a worker that has handed in a share. One whose share
// counts has some from now on; nil: it has none yet.
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

// maxUnearned is how many of a connection's further workers have books before they
// have handed in a share that counts; maxAgentUnearned is that for an agent, whose
// miners are to be seen as soon as they are there.
const (
	maxUnearned      = 8
	maxAgentUnearned = 1024
)

// further is a worker that a connection has named after its first. It has books once
// it has handed in a share, one that counts where many have not: with one socket one
// could fill the books with names otherwise.
type further struct {
	loop  *loop
	peer  *peer // nil: it has gone
	login string
	agent string        // what it runs
	books *stats.Worker // nil: none yet
}

// open opens its books for a share, as far as there may be some.
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

// adds notes one more worker of the miner.
func (p *peer) adds(f *further) {
	more := p.more()
	more.others = append(more.others, f)
}

// gone notes that its miner has left.
func (f *further) gone() { f.peer = nil }

// mayName reports that one more worker may have books that has not earned anything,
// and counts it.
func (p *peer) mayName() bool {
	if p.unearned >= p.dialect.limits().unearned {
		return false
	}
	p.unearned++
	return true
}

// booked visits the books of the miner's workers that have some.
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

// connectedAs returns how many of a worker's miners are this one: it counts as one
// where its books are open.
func (p *peer) connectedAs(login string) (n int) {
	p.booked(func(w *stats.Worker) {
		if w.Name() == login {
			n = 1
		}
	})
	return n
}

// connected opens the books of a worker of a miner that is there.
func (l *loop) connected(p *peer, login, agent string) *stats.Worker {
	w := l.server.book.Worker(login)
	w.Connected(l.wall, p.remote.String(), agent)
	pool, algorithm := p.route.Names()
	w.Mining(p.route.Account(), pool, algorithm)
	return w
}
