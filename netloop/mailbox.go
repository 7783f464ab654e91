package netloop

import (
	"sync"

	"farmproxy/upstream"
)

// mailbox is how other goroutines talk to a loop. gnet's own task queue is neither
// ordered nor bounded, so mail is put here, and the loop is woken once to collect it.
//
// Its contents are bounded: posts by the number of lanes, since a lane's post replaces
// the one before; verdicts by what the lanes accept, and hashes by what the hasher
// does; handshakes by the number of miners.
type mailbox struct {
	mu    sync.Mutex
	in    mail
	woken bool        // the loop is going to collect
	wake  func() bool // makes the loop call collect soon; false: the loop is gone
	taken mail        // what collect last returned, for reuse
}

// mail is what a loop collects at once.
type mail struct {
	posts    []upstream.Post
	verdicts []upstream.Verdict
	hashed   []hashed
	shaken   []*step // of handshakes
	wires    []*wire // with bytes to flush
	tick     bool
	calls    []func() // rare things: pings, shutdown
}

func (m *mail) reset() {
	clear(m.posts) // do not hold on to jobs
	clear(m.calls)
	if cap(m.verdicts) > maxVerdicts {
		m.verdicts = nil
	}
	clear(m.hashed)
	clear(m.wires)
	clear(m.shaken)
	m.shaken = m.shaken[:0]
	m.wires = m.wires[:0]
	m.posts, m.verdicts, m.hashed, m.tick, m.calls = m.posts[:0], m.verdicts[:0], m.hashed[:0], false, m.calls[:0]
}

// put adds to the waiting mail and wakes the loop if necessary. Any goroutine.
func (b *mailbox) put(change func(*mail)) {
	b.mu.Lock()
	change(&b.in)
	wake := !b.woken
	b.woken = true
	b.mu.Unlock()
	if wake && !b.wake() {
		b.mu.Lock()
		b.woken = false
		b.mu.Unlock()
	}
}

// post adds what a lane offers now; only a lane's last post is kept.
func (b *mailbox) post(p upstream.Post) {
	b.put(func(m *mail) {
		for i := range m.posts {
			if m.posts[i].Lane == p.Lane {
				m.posts[i] = m.posts[i].Merge(p)
				return
			}
		}
		m.posts = append(m.posts, p)
	})
}

// verdicts adds the entries of list for the loop with that index. A loop without any
// is not woken.
func (b *mailbox) verdicts(index int, list []upstream.Verdict) {
	for len(list) > 0 && !isFor(index, &list[0]) {
		list = list[1:]
	}
	if len(list) == 0 {
		return
	}
	b.put(func(m *mail) {
		for i := range list {
			if isFor(index, &list[i]) {
				m.verdicts = append(m.verdicts, list[i])
			}
		}
	})
}

func isFor(index int, v *upstream.Verdict) bool {
	loop, _, _ := splitCookie(v.Cookie)
	return loop == index
}

func (b *mailbox) hash(h *hashed) {
	b.put(func(m *mail) { m.hashed = append(m.hashed, *h) })
}

func (b *mailbox) shake(s *step) {
	b.put(func(m *mail) { m.shaken = append(m.shaken, s) })
}

// flush makes the loop flush a wire at the end of its turn.
func (b *mailbox) flush(w *wire) {
	b.put(func(m *mail) {
		if !w.woken {
			w.woken = true
			m.wires = append(m.wires, w)
		}
	})
}

// turn makes the loop collect, if only to end its turn.
func (b *mailbox) turn() { b.put(func(*mail) {}) }

func (b *mailbox) tick() { b.put(func(m *mail) { m.tick = true }) }

// call makes the loop call f.
func (b *mailbox) call(f func()) { b.put(func(m *mail) { m.calls = append(m.calls, f) }) }

// collect takes all mail. last sees it and reports whether the loop won't collect
// again by itself, and so must be woken for later mail. Only the loop calls collect;
// the result is valid until the next call.
func (b *mailbox) collect(last func(*mail) bool) *mail {
	b.taken.reset()
	b.mu.Lock()
	b.in, b.taken = b.taken, b.in
	for _, w := range b.taken.wires {
		w.woken = false
	}
	b.woken = !last(&b.taken)
	b.mu.Unlock()
	return &b.taken
}
