package upstream

import (
	"sync"
	"sync/atomic"

	"farmproxy/work"
)

// maxQueue bounds the shares that wait in one epoch: 65,536 miners at six
// shares a minute that all meet the pool's difficulty fill it in 2.5 s, a farm
// of 10,000 in 16 s. Beyond, Lane.Submit says no.
const maxQueue = 1 << 14

// keptQueue is the room for shares that an epoch keeps when none waits: a turn of
// each of a dozen loops. What a stall has made it grow to, up to 2 MB, is given back.
const keptQueue = 1 << 9

// epochs numbers the epochs of the process.
var epochs atomic.Uint64

// epoch is one extranonce1 at one pool, and the shares for its jobs that wait
// to be sent. It belongs to a lane and outlives its link: a link that resumes
// the session takes the epoch over.
//
// Any goroutine may add; one link at a time takes.
type epoch struct {
	id          uint64
	pool        *pool
	session     string // to resume with; "" the pool gave none
	extranonce1 []byte
	size        int // of the pool's extranonce2
	layout      work.Layout
	mortal      bool // it ends with its link: no agent pool gives a session back

	block [32]byte // that its last job builds on; its link's driver's

	link atomic.Pointer[link] // that sends its shares; nil: none yet

	mu    sync.Mutex
	queue []Share
	head  int  // of the queue: what is before it was taken
	shut  bool // shares are refused: the epoch is over, or waits for its link too long
}

func newEpoch(p *pool, session string, extranonce1 []byte, size int, layout work.Layout) *epoch {
	return &epoch{
		id: epochs.Add(1), pool: p, session: session,
		extranonce1: extranonce1, size: size, layout: layout, mortal: !dialects[p.Dialect].resumes,
	}
}

// admission is what became of a share that was offered to an epoch.
type admission uint8

const (
	queued admission = iota
	full
	unfair // the miner has its part of the queue
	over   // the epoch takes no more
)

// add queues a share and rouses the link if there was none.
func (e *epoch) add(s *Share) admission {
	e.mu.Lock()
	n := len(e.queue) - e.head
	if a := e.admit(s, n); a != queued {
		e.mu.Unlock()
		return a
	}
	if e.head > 0 && len(e.queue) == cap(e.queue) {
		e.queue = e.queue[:copy(e.queue, e.queue[e.head:])]
		e.head = 0
	}
	e.queue = append(e.queue, *s)
	e.mu.Unlock()
	if k := e.link.Load(); k != nil && n == 0 {
		k.rouse()
	}
	return queued
}

// admit says whether a share may be queued behind n. A miner may have as many in
// the queue as are free: one that floods takes half of it, a hundred leave each
// other, and everybody else, one part in a hundred. The caller has the mutex.
func (e *epoch) admit(s *Share, n int) admission {
	switch room := maxQueue - n; {
	case e.shut:
		return over
	case room <= 0:
		return full
	case int(s.Before) >= room:
		return unfair
	}
	return queued
}

// take appends up to n shares to dst, in order, and returns how many stay.
func (e *epoch) take(dst []Share, n int) (taken []Share, rest int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n = min(n, len(e.queue)-e.head)
	dst = append(dst, e.queue[e.head:e.head+n]...)
	e.head += n
	rest = len(e.queue) - e.head
	if rest == 0 {
		e.queue, e.head = e.queue[:0], 0
		if cap(e.queue) > keptQueue {
			e.queue = nil
		}
	}
	return dst, rest
}

// putBack queues, before all others, shares that a dead link has left. They
// were taken from here, so the bound may be exceeded by what was in flight.
func (e *epoch) putBack(shares []Share) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue, e.head = append(shares, e.queue[e.head:]...), 0
}

// close refuses shares from now on and returns those that wait.
func (e *epoch) close() []Share {
	e.mu.Lock()
	defer e.mu.Unlock()
	rest := e.queue[e.head:]
	e.queue, e.head, e.shut = nil, 0, true
	return rest
}

// open takes shares again: a link has resumed the session.
func (e *epoch) open() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shut = false
}

// poke puts a signal into a channel of capacity 1, unless there is one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
