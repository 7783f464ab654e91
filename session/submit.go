package session

import (
	"cmp"

	"farmproxy/codec"
	"farmproxy/work"
)

// Candidate is a well-formed share whose hash has yet to be judged. It is a value of
// two cache lines, so that shares can be gathered and hashed together, or elsewhere.
type Candidate struct {
	Job *work.Job
	work.Solution
	Hash [32]byte // of the header, once FindHashes has found it
	ID   codec.ID // of mining.submit, echoed with the verdict

	reconnect bool // tell the miner to reconnect: it lost version rolling

	// Set by the session when the share is forwarded.
	Block    bool // the hash meets the network's difficulty
	Answered bool // the miner has already been answered
	Proven   bool // the pool has accepted an earlier share of the miner
}

// FindHashes hashes shares, two at a time: shares of one job take half the time that
// way. Any goroutine may call it, with a checker of its own.
func FindHashes(checker *work.Checker, list []Candidate) {
	for ; len(list) > 1; list = list[2:] {
		a, b := &list[0], &list[1]
		a.Hash, b.Hash = checker.Hash2(a.Job, b.Job, &a.Solution, &b.Solution)
	}
	if len(list) > 0 {
		c := &list[0]
		c.Hash = checker.Hash(c.Job, &c.Solution)
	}
}

// submit checks a share. Everything that does not need the hash is checked and
// answered first.
func (s *Session) submit(e *Env, r *codec.Request, out []byte) ([]byte, Effect) {
	effect := s.submitted(e, r)
	return answer(out, &r.ID, &effect), effect
}

// submitted turns a share into a candidate, or rejects it.
func (s *Session) submitted(e *Env, r *codec.Request) Effect {
	p, ok := r.Submit()
	if !ok {
		return s.reject(e, 0, work.Malformed)
	}
	if s.flags&subscribed == 0 {
		return s.reject(e, 0, work.NotSubscribed)
	}
	w := s.sender(p.Worker)
	if w == 0 {
		return s.reject(e, 0, work.Unauthorized)
	}
	id, _ := codec.HexUint32(p.Job)
	c, no := s.candidate(e, r.ID, id)
	if c == nil {
		return s.reject(e, w, no)
	}
	c.NTime, c.Nonce = p.NTime, p.Nonce
	if !codec.DecodeHex(c.Extranonce2[:c.Size], p.Extranonce2) {
		return s.reject(e, w, work.Malformed)
	}
	mask := s.rollable(e, c.Job)
	if p.HasVersion {
		if p.VersionBits&^mask != 0 {
			return s.reject(e, w, work.BadVersion)
		}
		c.Version = work.RollVersion(c.Job.Version, mask, p.VersionBits)
	}
	c.reconnect = mask != 0 && s.lostRolling(e, p.HasVersion)
	return Effect{Kind: WantHash, Worker: w, Candidate: c}
}

// candidate starts a candidate for a job that was sent to the miner; nil, and the
// reason, if the job can't be answered any more.
func (s *Session) candidate(e *Env, id codec.ID, job uint32) (c *Candidate, no work.Verdict) {
	if _, sent := s.recall(job); !sent || e.Feed == nil {
		return nil, work.UnknownJob
	}
	j, _ := e.Feed.find(job)
	if j == nil && e.Left != nil {
		j, _ = e.Left.find(job)
	}
	if j == nil { // sent, but on a lane that the miner has left, or too long ago
		return nil, work.Stale
	}
	if n := min(int(s.headers.size), usualSlots); n > 0 {
		work.Prefetch(s.headers.table, n*8) // judge needs it once the share is hashed
	}
	c = &e.candidate
	*c = Candidate{ID: id, Job: j, Solution: work.Solution{Prefix: s.prefixValue(), Size: min(s.extranonce2, uint8(j.Layout.Room)), Version: j.Version}}
	return c, work.Accepted
}

// Judge judges a candidate by its hash, and answers it if that settles the share. The
// caller calls it in response to WantHash. The effect is Judged, or Forward with c.
func (s *Session) Judge(e *Env, c *Candidate, out []byte) ([]byte, Effect) {
	effect := s.judge(e, c, maxSlots)
	out = answer(out, &c.ID, &effect)
	if effect.Reconnect = c.reconnect; c.reconnect {
		out = codec.AppendReconnect(out)
	}
	return out, effect
}

// judge judges a candidate by its hash. A block is a block, late or not, and goes to
// the pool. room is how many more slots for headers may be allocated.
func (s *Session) judge(e *Env, c *Candidate, room int) Effect {
	job := c.Job
	difficulty, stale, feed, ok := s.answerable(e, job)
	if !ok { // the miner moved on while a slow hash was computed
		return s.reject(e, 0, work.Stale)
	}
	late := feed != e.Feed
	if job.Algorithm.Hash == nil {
		effect := s.unchecked(e, c, feed, difficulty, stale, room)
		effect.Late = late
		return effect
	}
	met := job.Algorithm.Difficulty(&c.Hash)
	block := job.IsBlock(met, s.prefixValue())
	fingerprint := fingerprint(&c.Hash)
	switch {
	case s.accepted(fingerprint):
		return s.reject(e, 0, work.Duplicate)
	case block:
	case met < difficulty:
		return s.reject(e, 0, work.LowDifficulty)
	case stale:
		return s.reject(e, 0, work.Stale)
	case c.NTime < job.NTime || c.NTime > feed.latest(job)+work.MaxTimeRoll:
		return s.reject(e, 0, work.BadTime)
	}
	difficulty = min(difficulty, met) // a block may have less than the difficulty that was asked for
	s.vardiff.share(e.Now, difficulty, &e.Terms.Difficulty)
	if !s.acceptIn(e, feed, fingerprint, job, room) {
		return s.unremembered(e)
	}
	if met < feed.least(job, s.prefixValue()) && !block {
		return Effect{Kind: Judged, Verdict: work.Accepted, Work: job.Algorithm.Work(difficulty), Candidate: c, Late: late}
	}
	effect := s.forward(e, c, difficulty, block)
	effect.Late = late
	return effect
}

// answerable returns the difficulty that the miner was given for a job, whether
// the pool has replaced the job since, and the feed that shows it; ok is false if it can't
// be answered here.
func (s *Session) answerable(e *Env, job *work.Job) (difficulty float64, stale bool, f *Feed, ok bool) {
	difficulty, ok = s.recall(job.ID)
	if !ok || e.Feed == nil {
		return 0, false, nil, false
	}
	j, stale := e.Feed.find(job.ID)
	if j == nil && e.Left != nil {
		return s.answerableLate(e, job, difficulty)
	}
	return difficulty, stale, e.Feed, j != nil && j.Work >= s.headers.from
}

// unchecked forwards a share of an algorithm that can't be checked here. What the
// header alone reveals is still checked.
func (s *Session) unchecked(e *Env, c *Candidate, f *Feed, difficulty float64, stale bool, room int) Effect {
	fingerprint := fingerprint(&c.Hash)
	switch {
	case s.accepted(fingerprint):
		return s.reject(e, 0, work.Duplicate)
	case stale:
		return s.reject(e, 0, work.Stale)
	}
	if !s.acceptIn(e, f, fingerprint, c.Job, room) {
		return s.unremembered(e)
	}
	return s.forward(e, c, difficulty, false)
}

// forward hands the share to the caller for the pool, unless the miner is slowed to
// spare the pool. A block always goes, whoever found it.
func (s *Session) forward(e *Env, c *Candidate, difficulty float64, block bool) Effect {
	if !s.standing.may(e.Now) && !block {
		effect := s.reject(e, 0, work.PoolRejected)
		effect.Text = textSlowed
		return effect
	}
	c.Block, c.Answered, c.Proven = block, e.Terms.AnswerLocal, s.standing.proven
	return Effect{Kind: Forward, Work: c.Job.Algorithm.Work(difficulty), Candidate: c}
}

// rollable returns the version bits that the miner may roll in job: a changed mask
// takes effect at once for the pool's current epoch, while a job of another epoch has
// the mask of the pool that sent it.
func (s *Session) rollable(e *Env, job *work.Job) uint32 {
	if s.flags&rolling == 0 {
		return 0
	}
	mask := job.Mask
	if job.Epoch == e.Feed.Job().Epoch {
		mask = e.Feed.Mask
	}
	return s.asked & rollable(mask, job)
}

// reject gives a share a verdict without the pool. w is 0 if the caller knows whose it
// is.
func (s *Session) reject(e *Env, w Worker, v work.Verdict) Effect {
	effect := Effect{Kind: Judged, Worker: w, Verdict: v, Work: s.vardiff.told}
	if e.Feed != nil && e.Feed.Job() != nil {
		effect.Work = e.Feed.Job().Algorithm.Work(effect.Work)
	}
	return effect
}

// answer answers a share if its outcome is known.
func answer(out []byte, id *codec.ID, e *Effect) []byte {
	switch {
	case e.Kind == Judged && e.Verdict != work.Accepted:
		return codec.AppendError(out, id, e.Verdict.Code(), cmp.Or(e.Text, e.Verdict.Text()))
	case e.Kind == Judged, e.Kind == Forward && e.Candidate.Answered:
		return codec.AppendTrue(out, id)
	}
	return out
}

// Verdict answers a forwarded share. code and text tell the miner why it was not
// accepted.
func (s *Session) Verdict(id *codec.ID, v work.Verdict, code int, text string, out []byte) []byte {
	if v == work.Accepted {
		return codec.AppendTrue(out, id)
	}
	return codec.AppendError(out, id, code, text)
}
