package netloop

import (
	"sync"
	"time"

	"farmproxy/session"
	"farmproxy/upstream"
)

// parked keeps the sessions of miners that disconnected, so that one that
// comes back within the window gets its extranonce, its difficulty and its
// memory of shares again. Its prefix is held back for that time. All loops
// share it.
type parked struct {
	prefixes *upstream.Prefixes

	mu    sync.Mutex
	slots int // that all their headers take, to maxParkedSlots
	byID  map[uint64]parkedSession
	queue parkedQueue // of miners that had worked
	fresh parkedQueue // of those that had not, and lose nothing that counts
}

// parkedQueue is ids in the order of their end.
type parkedQueue []parkedID

type parkedSession struct {
	state   session.State   // its times count from parked
	headers session.Headers // what it had handed in
	prefix  upstream.Prefix
	last    *upstream.Lane // the lane that it last worked on; nil: none
	earned  bool           // it had handed in a share that counts
	used    bool           // or one at all that went anywhere
	parked  time.Duration  // when, as Env.Now
	end     time.Duration  // when it is let go of
}

// session returns what was parked as a session again. It may be called once.
func (s *parkedSession) session() session.Session {
	return session.Restore(s.state, nil, s.headers, &session.Translation{Moment: s.parked})
}

type parkedID struct {
	id  uint64
	end time.Duration
}

// park takes over what a leaving miner had, for the window; 0: nothing is kept.
func (k *parked) park(p *peer, now, window time.Duration) {
	// One that never authorized was a probe, and does not come back for it; one
	// whose prefix is too long comes back for another.
	if window == 0 || !p.session.IsAuthorized() || p.reason == session.ExtranonceTooSmall {
		k.release(p.prefix, p.last, p.used())
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	queue, most := &k.queue, maxParked
	if !p.used() {
		queue, most = &k.fresh, maxParkedFresh
	}
	k.drop(queue, now, most-1)
	headers := p.session.Headers()
	if k.slots+headers.Slots() > maxParkedSlots {
		k.release(p.prefix, p.last, p.used())
		return
	}
	k.slots += headers.Slots()
	id, end := p.session.ID(), now+window
	k.byID[id] = parkedSession{p.session.State(now), headers, p.prefix, p.last, p.earned, p.used(), now, end}
	*queue = append(*queue, parkedID{id, end})
}

// resume gives a parked session back; ok is false when there is none of that id.
func (k *parked) resume(id uint64) (s parkedSession, ok bool) {
	if id == 0 {
		return s, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok = k.byID[id]
	k.remove(id, &s) // its place in the queue is passed over when it comes up
	return s, ok
}

// expire lets go of what has been kept for the window.
func (k *parked) expire(now time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(&k.queue, now, maxParked)
	k.drop(&k.fresh, now, maxParkedFresh)
}

// drop lets go of what is due, and of the oldest beyond most.
func (k *parked) drop(queue *parkedQueue, now time.Duration, most int) {
	for len(*queue) > 0 && ((*queue)[0].end <= now || len(*queue) > most) {
		oldest := (*queue)[0]
		*queue = (*queue)[1:]
		// One that was resumed and parked again has a later place as well.
		if s, ok := k.byID[oldest.id]; ok && s.end == oldest.end {
			k.remove(oldest.id, &s)
			k.release(s.prefix, s.last, s.used)
		}
	}
}

// release gives a prefix back. It is in quarantine on the lane that it was used on last.
func (k *parked) release(x upstream.Prefix, last *upstream.Lane, used bool) {
	if !used {
		last = nil
	}
	k.prefixes.Release(x, last)
}

// remove takes out a session: nobody else may get it.
func (k *parked) remove(id uint64, s *parkedSession) {
	k.slots -= s.headers.Slots()
	delete(k.byID, id)
}
