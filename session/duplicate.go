package session

import (
	"slices"

	"farmproxy/work"
)

// maxLeft is how many lanes that it left a miner has a memory of. Firmware that
// mines for its maker now and then goes to and fro between two.
const maxLeft = 3

// left is what a miner that goes from lane to lane has handed in on those that it
// left: it may come back while their jobs can be answered.
type left struct {
	lanes []headers // the longest ago first; no more slots than one lane may have
	lost  bool      // there were more
}

// Enter makes the miner's memory of headers that of the feed's lane. Where it has
// none yet, works before since are not the miner's to answer: another may have
// handed in their headers, with the same prefix.
func (s *Session) Enter(f *Feed, since uint32) {
	if s.headers.lane == f.Lane {
		return
	}
	old := s.headers
	s.headers = s.left.take(f, since)
	s.leave(old)
}

// take returns what is remembered of the feed's lane. Of one that may have been
// forgotten nothing that is there now may be answered.
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
	if h.used == 0 && h.from == 0 {
		return
	}
	if s.left == nil {
		s.left = new(left)
	}
	l := s.left
	l.lanes = append(l.lanes, h)
	for len(l.lanes) > maxLeft || l.slots() > maxSlots {
		l.lanes = slices.Delete(l.lanes, 0, 1)
		l.lost = true
	}
}

// slots returns what all lanes take.
func (l *left) slots() (n int) {
	if l == nil {
		return 0
	}
	for i := range l.lanes {
		n += len(l.lanes[i].slots)
	}
	return n
}

// accepted reports that a header was accepted from the miner before. Since no two
// miners of a link share a prefix, only the miner itself can repeat one; and since
// the fingerprint is the header's, not the job's, work that the pool sent again
// under another job id is caught too.
func (s *Session) accepted(fingerprint uint64) bool {
	if s.headers.has(fingerprint) {
		return true
	}
	return s.left != nil && slices.ContainsFunc(s.left.lanes, func(h headers) bool { return h.has(fingerprint) })
}

// accept remembers the header of a share that is good; false when it can't, and then
// the share can't be accepted. room is how many slots more there may be.
func (s *Session) accept(fingerprint uint64, job *work.Job, f *Feed, room int) bool {
	h := &s.headers
	if h.full() && !s.makeRoom(job, f, room) {
		return false
	}
	h.put(fingerprint, job.Work)
	return true
}

// textUnremembered is what a miner is told of a share that can't be remembered.
const textUnremembered = "Too many shares for one job: ask for a higher difficulty"

// unremembered refuses a share that can't be remembered.
func (s *Session) unremembered(e *Env) Effect {
	effect := s.reject(e, 0, work.TooMany)
	effect.Text = textUnremembered
	return effect
}

// makeRoom drops what the miner can't answer any more; if that is not enough, what
// it has left behind long ago; if that is not enough, it takes more memory.
func (s *Session) makeRoom(job *work.Job, f *Feed, room int) bool {
	h := &s.headers
	if s.swept != f.last.ID { // there is more to be found than at the last look
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

// tidy is makeRoom for a miner that took more than usual, at each job.
func (s *Session) tidy(f *Feed) {
	if h := &s.headers; len(h.slots) > usualSlots {
		h.sweep(s.oldest(f, f.last, true))
		h.shrink()
	}
}

// oldest returns the lowest number among the works that the miner can still
// answer: of the jobs that it was sent, and of job. Those that were replaced long
// ago it need not, if lately.
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
