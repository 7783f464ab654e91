package upstream

import (
	"slices"
	"sync"
)

// roster is who works on a lane: the workers that an agent pool is to have
// registered. Loops change it, at any time; the link that serves
// the lane brings the pool to it, step by step. The nil roster is that of a lane
// without agent pools: nobody asks for it.
//
// All members of a lane have the same group and length of prefix, so that the
// value alone tells them apart: it is the session id at the pool.
//
// Its mutex is the last that is taken.
type roster struct {
	mu      sync.Mutex
	entries map[uint16]entry
	changed []uint16 // sessions that the link does not know of yet, each once, the oldest first
	link    *link    // that serves the lane; nil: none that speaks the agent dialect
}

// entry is what the roster has of one session.
type entry struct {
	member
	there   bool // else it left, and the link does not know of it yet
	changed bool // it is in roster.changed
}

// member is what an agent pool is told of a worker, before it is put into the
// pool's terms.
type member struct{ login, agent string }

// change is what the roster has had of a session when its link asked.
type change struct {
	sid uint16
	member
	there bool
}

func newRoster() *roster { return &roster{entries: make(map[uint16]entry)} }

// put says that a member is there, under that name: it came, or is called
// something else from now on.
func (r *roster) put(m Member) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sid, e := m.Prefix.Value, r.entries[m.Prefix.Value]
	is := member{login: m.Login, agent: m.Agent}
	if e.there && e.member == is {
		return
	}
	e.member, e.there = is, true
	r.set(sid, e)
}

// remove says that a member left.
func (r *roster) remove(p Prefix) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[p.Value]; e.there {
		e.there = false
		r.set(p.Value, e)
	}
}

// set keeps an entry, and tells the link of it. The caller has the mutex.
func (r *roster) set(sid uint16, e entry) {
	if r.link == nil && !e.there {
		delete(r.entries, sid)
		return
	}
	if r.link != nil && !e.changed {
		e.changed = true
		r.changed = append(r.changed, sid)
		if len(r.changed) == 1 {
			r.link.rouse()
		}
	}
	r.entries[sid] = e
}

// attach makes k the link that is told of all members and, from now on, of
// every change; nil: there is none.
func (r *roster) attach(k *link) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link, r.changed = k, r.changed[:0]
	for sid, e := range r.entries {
		if !e.there {
			delete(r.entries, sid)
			continue
		}
		if e.changed = k != nil; e.changed {
			r.changed = append(r.changed, sid)
		}
		r.entries[sid] = e
	}
	slices.Sort(r.changed)
}

// take appends to dst up to n changes that k was not told of, and says whether
// there are more. A link that does not serve the lane any more gets none.
func (r *roster) take(k *link, dst []change, n int) (changes []change, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.link != k {
		return dst, false
	}
	n = min(n, len(r.changed))
	for _, sid := range r.changed[:n] {
		e := r.entries[sid]
		dst = append(dst, change{sid, e.member, e.there})
		if e.changed = false; e.there {
			r.entries[sid] = e
		} else {
			delete(r.entries, sid)
		}
	}
	if r.changed = r.changed[n:]; len(r.changed) == 0 {
		r.changed = nil
	}
	return dst, len(r.changed) > 0
}

// find returns the member with that session id.
func (r *roster) find(sid uint16) (m member, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[sid]
	return e.member, e.there
}
