package netloop

import (
	"farmproxy/session"
	"farmproxy/stats"
)

// alias is a worker that is booked under another name than its miner says:
// because workers are named by their address (workerName), or because there are
// too many names for each to have books of its own. The miner hands in shares
// under the name that it says.
type alias struct {
	*stats.Worker
	said string
}

func (a alias) Name() string { return a.said }

// named returns the worker as its session knows it: by the name that the miner
// says.
func named(w *stats.Worker, said string) session.Worker {
	if w.Name() != said {
		return alias{w, said}
	}
	return w
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
	loop        *loop
	peer        *peer // nil: it has gone
	said, login string
	agent       string        // what it runs
	books       *stats.Worker // nil: none yet
}

func (f *further) Name() string { return f.said }

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

// gone notes that its miner has left.
func (f *further) gone() { f.peer = nil }

// mayName reports that one more worker may have books that has not earned anything,
// and counts it.
func (p *peer) mayName() bool {
	most := uint16(maxUnearned)
	if p.agent != nil {
		most = maxAgentUnearned
	}
	if p.unearned >= most {
		return false
	}
	p.unearned++
	return true
}

// booked visits the books of the miner's workers that have some.
func (p *peer) booked(visit func(*stats.Worker)) {
	p.session.Workers(func(w session.Worker) {
		if b := books(w); b != nil {
			visit(b)
		}
	})
}

// connected opens the books of a worker of a miner that is there.
func (l *loop) connected(p *peer, login, agent string) *stats.Worker {
	w := l.server.book.Worker(login)
	w.Connected(l.wall, p.conn.RemoteAddr().String(), agent)
	pool, algorithm := p.route.Names()
	w.Mining(p.route.Account(), pool, algorithm)
	return w
}

// books returns where a session's worker is booked; nil: nowhere yet.
func books(w session.Worker) *stats.Worker {
	switch w := w.(type) {
	case alias:
		return w.Worker
	case *further:
		return w.books
	}
	return w.(*stats.Worker)
}

// opened is books for a worker that has handed in a share. One whose share counts
// has some from now on.
func opened(w session.Worker, counts bool) *stats.Worker {
	if f, ok := w.(*further); ok {
		return f.open(counts)
	}
	return books(w)
}
