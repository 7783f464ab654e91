package session

import (
	"slices"

	"farmproxy/work"
)

// A miner that is moved to another lane has shares on their way for the jobs of the one
// that it left, and the pool there still wants them. So for a moment Env.Left shows these
// jobs: such shares are checked and judged like others, and Effect.Late says that they
// belong to the lane that the miner left.

// answerableLate is answerable for a job of the lane that the miner left.
func (s *Session) answerableLate(e *Env, job *work.Job, difficulty float64) (_ float64, stale bool, f *Feed, ok bool) {
	j, stale := e.Left.find(job.ID)
	h, remembered := s.left.find(e.Left.Lane)
	ok = j != nil && remembered && (h == nil || j.Work >= h.from)
	return difficulty, stale, e.Left, ok
}

// find returns the memory of a lane that the miner left; nil: it had nothing to remember
// there. ok is false if that may have been dropped.
func (l *left) find(lane uint32) (h *headers, ok bool) {
	if l == nil {
		return nil, true
	}
	if at := slices.IndexFunc(l.lanes, func(h headers) bool { return h.lane == lane }); at >= 0 {
		return &l.lanes[at], true
	}
	return nil, !l.lost
}

// acceptIn is accept for a job that f shows: the miner's feed, or the one that it left.
func (s *Session) acceptIn(e *Env, f *Feed, fingerprint uint64, job *work.Job, room int) bool {
	if f == e.Feed {
		return s.accept(fingerprint, job, f, room)
	}
	return s.acceptLate(fingerprint, job, f, room)
}

// acceptLate is accept for a job of the lane that the miner left.
func (s *Session) acceptLate(fingerprint uint64, job *work.Job, f *Feed, room int) bool {
	h, _ := s.left.find(f.Lane)
	if h == nil {
		h = s.keep(headers{lane: f.Lane})
	}
	if h.full() && !h.grow(min(room, maxSlots-s.left.slots())) {
		return false
	}
	h.put(fingerprint, job.Work)
	return true
}
