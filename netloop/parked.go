package netloop

import (
	"slices"
	"sync"
	"time"

	"farmproxy/session"
	"farmproxy/upstream"
)

// parked keeps the sessions of disconnected miners, so that one that comes back within
// the window gets its extranonce, difficulty and accepted headers back. Its prefix is
// reserved for that time. All loops share it.
type parked struct {
	prefixes *upstream.Prefixes

	mu    sync.Mutex
	slots int // taken by all their headers, up to maxParkedSlots
	byID  map[uint64]parkedSession
	queue parkedQueue // of miners with a share that was accepted or forwarded
	fresh parkedQueue // of the others, which lose nothing that counts
}

// parkedQueue holds ids in order of expiry. Those of sessions that were resumed are skipped
// later.
type parkedQueue struct {
	list []parkedID
	kept int // of them are parked
}

type parkedSession struct {
	state   session.State   // its times count from parked
	headers session.Headers // of its accepted shares
	prefix  upstream.Prefix
	last    *upstream.Lane // the lane that it last worked on; nil: none
	earned  bool           // it had a share accepted
	used    bool           // it had a share accepted or forwarded
	parked  time.Duration  // when, as Env.Now
	end     time.Duration  // when it expires
	split   *splitMiner    // nil: it was on no split route
}

// session restores the parked session. It may be called once.
func (s *parkedSession) session() session.Session {
	return session.Restore(s.state, nil, s.headers, &session.Translation{Moment: s.parked})
}

type parkedID struct {
	id  uint64
	end time.Duration
}

// park keeps a departing miner's session for the window; 0: nothing is kept. split is what
// its loop knows of it besides, or nil.
func (k *parked) park(p *peer, split *splitMiner, now, window time.Duration) {
	// One that never authorized was a probe, and does not come back for its session;
	// one whose prefix is too long comes back for another.
	if window == 0 || !p.session.IsAuthorized() || p.reason == session.ExtranonceTooSmall {
		k.release(p.prefix, p.last, p.used())
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	queue, most := k.queueOf(p.used())
	k.drop(queue, now, most-1)
	headers := p.session.Headers()
	if k.slots+headers.Slots() > maxParkedSlots {
		k.release(p.prefix, p.last, p.used())
		return
	}
	k.slots += headers.Slots()
	if split != nil {
		split.left = nil // its late shares came on the connection that is gone
	}
	id, end := p.session.ID(), now+window
	k.byID[id] = parkedSession{p.session.State(now), headers, p.prefix, p.last, p.is(earned), p.used(), now, end, split}
	k.enqueue(queue, most, parkedID{id, end})
}

// queueOf returns the queue of sessions that are used, or are not, and how many it may keep.
func (k *parked) queueOf(used bool) (queue *parkedQueue, most int) {
	if used {
		return &k.queue, maxParked
	}
	return &k.fresh, maxParkedFresh
}

// enqueue appends an id of a session that was just parked. The queue grows to twice as many
// as it may keep: miners that come and go leave ids behind.
func (k *parked) enqueue(queue *parkedQueue, most int, x parkedID) {
	if len(queue.list) >= 2*most {
		queue.list = slices.DeleteFunc(queue.list, func(x parkedID) bool { return !k.isParked(x) })
	}
	queue.list = append(queue.list, x)
	queue.kept++
}

// isParked reports whether an id's session is parked: one that was resumed and parked again
// has another entry, later.
func (k *parked) isParked(x parkedID) bool {
	s, ok := k.byID[x.id]
	return ok && s.end == x.end
}

// resume returns a parked session; ok is false if none has that id.
func (k *parked) resume(id uint64) (s parkedSession, ok bool) {
	if id == 0 {
		return s, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s, ok = k.byID[id]; ok {
		k.remove(id, &s)
	}
	return s, ok
}

// expire drops sessions kept for the whole window.
func (k *parked) expire(now time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(&k.queue, now, maxParked)
	k.drop(&k.fresh, now, maxParkedFresh)
}

// drop drops expired sessions, and the oldest beyond most.
func (k *parked) drop(queue *parkedQueue, now time.Duration, most int) {
	for len(queue.list) > 0 {
		oldest := queue.list[0]
		is := k.isParked(oldest)
		if is && oldest.end > now && queue.kept <= most {
			return
		}
		queue.list = queue.list[1:]
		if is {
			s := k.byID[oldest.id]
			k.remove(oldest.id, &s)
			k.release(s.prefix, s.last, s.used)
		}
	}
}

// release returns a prefix. It is quarantined on the lane where it was last used.
func (k *parked) release(x upstream.Prefix, last *upstream.Lane, used bool) {
	if !used {
		last = nil
	}
	k.prefixes.Release(x, last)
}

// remove removes a session: nobody else may get it.
func (k *parked) remove(id uint64, s *parkedSession) {
	queue, _ := k.queueOf(s.used)
	queue.kept--
	k.slots -= s.headers.Slots()
	delete(k.byID, id)
}
