package session

import (
	"slices"

	"farmproxy/work"
)

// maxLeft is how many lanes that a miner has left are remembered. Firmware that
// occasionally mines for its maker switches between two.
const maxLeft = 3

// left holds a miner's headers on lanes that it has left: it may come back while their
// jobs can still be answered.
type left struct {
	lanes []headers // least recently left first; together no more slots than one lane may have
	lost  bool      // some were dropped
}

// Enter switches the miner's memory of headers to the feed's lane. If it has none
// there, the miner can't answer works before since: another miner may have handed in
// their headers with the same prefix.
func (s *Session) Enter(f *Feed, since uint32) {
	if s.headers.lane == f.Lane {
		return
	}
	old := s.headers
	s.headers = s.left.take(f, since)
	s.leave(old)
}

// take returns what is remembered of the feed's lane. If that lane may have been
// dropped, no work that exists now may be answered.
func (l *left) take(f *Feed, since uint32) (h headers) {
	h = headers{lane: f.Lane, from: since}
	if l == nil {
		return h
	}
	if at := slices.IndexFunc(l.lanes, func(h headers) bool { return h.lane == f.Lane }); at >= 0 {
		h = l.lanes[at]
		l.lanes = slices.Delete(l.lanes, at, at+1)
	} else if l.lost && f.last != nil {
		h.from = max(since, f.last.Work+1)
	}
	return h
}

// leave keeps the memory of a lane that the miner has left.
func (s *Session) leave(h headers) {
	if h.used > 0 || h.from > 0 {
		s.keep(h)
	}
}

// keep is leave, for a memory that may be empty yet. It returns where it is now.
func (s *Session) keep(h headers) *headers {
	if s.left == nil {
		s.left = new(left)
	}
	l := s.left
	l.lanes = append(l.lanes, h)
	for len(l.lanes) > 1 && (len(l.lanes) > maxLeft || l.slots() > maxSlots) {
		l.lanes = slices.Delete(l.lanes, 0, 1)
		l.lost = true
	}
	return &l.lanes[len(l.lanes)-1]
}

// slots returns the number of slots of all lanes.
func (l *left) slots() (n int) {
	if l == nil {
		return 0
	}
	for i := range l.lanes {
		n += int(l.lanes[i].size)
	}
	return n
}

// accepted reports whether a header was accepted from the miner before. No two miners
// of a link share a prefix, so only the miner itself can repeat one. The fingerprint
// is the header's, not the job's, so it also catches work that the pool sent again
// under another job id.
func (s *Session) accepted(fingerprint uint64) bool {
	if s.headers.has(fingerprint) {
		return true
	}
	return s.left != nil && slices.ContainsFunc(s.left.lanes, func(h headers) bool { return h.has(fingerprint) })
}

// accept remembers the header of a good share. If it returns false, the header can't
// be remembered and the share must not be accepted. room is how many more slots may be
// allocated.
func (s *Session) accept(fingerprint uint64, job *work.Job, f *Feed, room int) bool {
	h := &s.headers
	if h.full() && !s.makeRoom(job, f, room) {
		return false
	}
	h.put(fingerprint, job.Work)
	return true
}

// textUnremembered tells a miner that a share can't be remembered.
const textUnremembered = "Too many shares for one job: ask for a higher difficulty"

// unremembered rejects a share that can't be remembered.
func (s *Session) unremembered(e *Env) Effect {
	effect := s.reject(e, 0, work.TooMany)
	effect.Text = textUnremembered
	return effect
}

// makeRoom drops headers that the miner can't answer any more. If that is not enough
// it drops those of jobs replaced long ago, and if that is not enough it allocates
// more memory.
func (s *Session) makeRoom(job *work.Job, f *Feed, room int) bool {
	h := &s.headers
	if s.swept != f.last.ID { // a new job since the last sweep: there may be more to drop
		s.swept = f.last.ID
		h.sweep(s.oldest(f, job, false))
		if h.crowded() {
			h.sweep(s.oldest(f, job, true))
		}
	}
	if h.crowded() {
		h.grow(room)
	}
	return !h.full()
}

// tidy does the same at each job for a miner that uses more than usual.
func (s *Session) tidy(f *Feed) {
	if h := &s.headers; h.size > usualSlots {
		h.sweep(s.oldest(f, f.last, true))
		h.shrink()
	}
}

// oldest returns the lowest number among the works that the miner can still answer:
// those of job and of the jobs sent to it. With lately, jobs that were replaced long
// ago are left out.
func (s *Session) oldest(f *Feed, job *work.Job, lately bool) uint32 {
	oldest := min(job.Work, f.last.Work)
	for i, j := range f.jobs {
		if j == nil || j.Work >= oldest || lately && f.late(i) {
			continue
		}
		if _, sent := s.recall(j.ID); sent {
			oldest = j.Work
		}
	}
	return oldest
}
