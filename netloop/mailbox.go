package netloop

import (
	"sync"

	"farmproxy/upstream"
)

// mailbox is how other goroutines talk to a loop. gnet's own task queue is
// neither ordered nor bounded; so mail is put here, and the loop is woken once to
// collect it.
//
// What it holds is bounded: posts by the number of lanes, since the last of a
// lane replaces the one before; verdicts by what the lanes take in, hashes by what
// the hasher does.
type mailbox struct {
	mu    sync.Mutex
	in    mail
	woken bool        // the loop will collect
	wake  func() bool // makes the loop call collect soon; false: the loop is gone
	taken mail        // what collect returned last, to be reused
}

// mail is what a loop gets at a time.
type mail struct {
	posts    []upstream.Post
	verdicts []upstream.Verdict
	hashed   []hashed
	wires    []*wire // to be flushed
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
	m.wires = m.wires[:0]
	m.posts, m.verdicts, m.hashed, m.tick, m.calls = m.posts[:0], m.verdicts[:0], m.hashed[:0], false, m.calls[:0]
}

// put changes the mail that waits and wakes the loop if need be. Any goroutine.
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

// post puts what a lane offers now; of several posts of one lane only the last
// stays.
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

// verdicts puts those of a list that are for the loop with that index. A loop
// that has none is not woken.
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

// flush makes the loop flush a wire, at the end of its turn.
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

// collect takes all mail. last, which sees it, says that the loop has to be woken for
// what comes from now on: it does not collect once more anyway. Only the loop calls
// it; what it returns is valid until the next call.
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
