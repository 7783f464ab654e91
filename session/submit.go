package session

import (
	"encoding/binary"

	"farmproxy/codec"
	"farmproxy/work"
)

// Candidate is a share whose form is right and whose hash is to be judged: a
// value, so that a slow algorithm can hash it elsewhere.
type Candidate struct {
	ID          codec.ID
	Worker      Worker
	Job         *work.Job
	Header      [work.HeaderSize]byte
	Extranonce2 [work.MaxExtranonce2]byte
	Size        uint8 // of Extranonce2
	Version     uint32
	NTime       uint32
	Nonce       uint32
}

// submit judges a share. What the hash does not decide comes first.
func (s *Session) submit(e *Env, r *codec.Request, out []byte) ([]byte, Effect) {
	p, ok := r.Submit()
	if !ok {
		return s.reject(e, &r.ID, nil, work.Malformed, out)
	}
	if s.flags&subscribed == 0 {
		return s.reject(e, &r.ID, nil, work.NotSubscribed, out)
	}
	w := s.find(p.Worker)
	if w == nil {
		return s.reject(e, &r.ID, nil, work.Unauthorized, out)
	}
	id, _ := codec.HexUint32(p.Job)
	if _, sent := s.recall(id); !sent || e.Feed == nil {
		return s.reject(e, &r.ID, w, work.UnknownJob, out)
	}
	job, _ := e.Feed.find(id)
	if job == nil { // it was sent, but on a lane that the miner has left, or too long ago
		return s.reject(e, &r.ID, w, work.Stale, out)
	}
	c := &e.candidate
	*c = Candidate{ID: r.ID, Worker: w, Job: job, Size: min(s.extranonce2, uint8(job.Layout.Room)), Version: job.Version, NTime: p.NTime, Nonce: p.Nonce}
	if !codec.DecodeHex(c.Extranonce2[:c.Size], p.Extranonce2) {
		return s.reject(e, &r.ID, w, work.Malformed, out)
	}
	mask := s.rollable(e, job)
	if p.HasVersion {
		if p.VersionBits&^mask != 0 {
			return s.reject(e, &r.ID, w, work.BadVersion, out)
		}
		c.Version = work.RollVersion(job.Version, mask, p.VersionBits)
	}
	c.Header = *e.Checker.Header(job, &work.Solution{Prefix: s.prefix[:s.prefixLen], Extranonce2: c.Extranonce2[:c.Size],
		Version: c.Version, NTime: c.NTime, Nonce: c.Nonce})
	out, effect := s.byHash(e, c, out)
	if mask != 0 && s.lostRolling(e, p.HasVersion) {
		effect.Reconnect = true
		out = codec.AppendReconnect(out)
	}
	return out, effect
}

// byHash has a candidate judged by its hash: here, elsewhere or by the pool.
func (s *Session) byHash(e *Env, c *Candidate, out []byte) ([]byte, Effect) {
	switch algorithm := c.Job.Algorithm; {
	case algorithm.Hash == nil:
		return s.unchecked(e, c, out)
	case algorithm.Slow:
		return out, Effect{Kind: WantHash, Candidate: c}
	default:
		return s.Judge(e, c, algorithm.Hash(c.Header[:]), out)
	}
}

// Judge judges a candidate by its hash: the caller's answer to WantHash. Then a
// block is a block, late or not, and goes to the pool.
func (s *Session) Judge(e *Env, c *Candidate, hash [32]byte, out []byte) ([]byte, Effect) {
	job := c.Job
	difficulty, sent := s.recall(job.ID)
	if !sent || e.Feed == nil { // it has moved on while a slow hash was computed
		return s.reject(e, &c.ID, c.Worker, work.Stale, out)
	}
	met := job.Algorithm.Difficulty(&hash)
	block := met >= job.Network
	_, stale := e.Feed.find(job.ID)
	fingerprint := binary.LittleEndian.Uint64(hash[:]) // the end that is not all zeros
	switch {
	case s.isSeen(fingerprint):
		return s.reject(e, &c.ID, c.Worker, work.Duplicate, out)
	case block:
	case met < difficulty:
		return s.reject(e, &c.ID, c.Worker, work.LowDifficulty, out)
	case stale:
		return s.reject(e, &c.ID, c.Worker, work.Stale, out)
	case c.NTime < job.NTime || c.NTime > e.Feed.latest(job)+work.MaxTimeRoll:
		return s.reject(e, &c.ID, c.Worker, work.BadTime, out)
	}
	difficulty = min(difficulty, met) // a block may be worth less than what was asked for
	s.see(fingerprint, job, e.Feed)
	s.vardiff.share(e.Now, difficulty, &e.Terms.Difficulty)
	if met < job.DifficultyFor(s.prefixValue()) && !block {
		effect := Effect{Kind: Judged, Worker: c.Worker, Verdict: work.Accepted, Work: job.Algorithm.Work(difficulty)}
		return codec.AppendTrue(out, &c.ID), effect
	}
	return s.forward(e, c, difficulty, block, out)
}

// unchecked forwards a share of an algorithm that can't be checked here. What
// its header alone tells is still looked at.
func (s *Session) unchecked(e *Env, c *Candidate, out []byte) ([]byte, Effect) {
	difficulty, _ := s.recall(c.Job.ID)
	_, stale := e.Feed.find(c.Job.ID)
	id := work.SHA256d.Hash(c.Header[:]) // any hash will do to know the header again
	fingerprint := binary.LittleEndian.Uint64(id[:])
	switch {
	case s.isSeen(fingerprint):
		return s.reject(e, &c.ID, c.Worker, work.Duplicate, out)
	case stale:
		return s.reject(e, &c.ID, c.Worker, work.Stale, out)
	}
	s.see(fingerprint, c.Job, e.Feed)
	return s.forward(e, c, difficulty, false, out)
}

// forward hands the share to the caller for the pool.
func (s *Session) forward(e *Env, c *Candidate, difficulty float64, block bool, out []byte) ([]byte, Effect) {
	share := Share{ID: c.ID, Job: c.Job, Extranonce2: c.Extranonce2[:c.Size], Version: c.Version, NTime: c.NTime, Nonce: c.Nonce, Block: block, Answered: e.Terms.AnswerLocal}
	if share.Answered {
		out = codec.AppendTrue(out, &c.ID)
	}
	return out, Effect{Kind: Forward, Worker: c.Worker, Work: c.Job.Algorithm.Work(difficulty), Share: share}
}

// rollable returns the version bits that the miner may roll in job: a changed
// mask is valid at once for the pool's current epoch, while a job of another
// epoch is judged by the pool that sent it.
func (s *Session) rollable(e *Env, job *work.Job) uint32 {
	if s.flags&rolling == 0 {
		return 0
	}
	if job.Epoch == e.Feed.Job().Epoch {
		return s.asked & e.Feed.Mask
	}
	return s.asked & job.Mask
}

// reject answers a share with the verdict that needs no pool.
func (s *Session) reject(e *Env, id *codec.ID, w Worker, v work.Verdict, out []byte) ([]byte, Effect) {
	effect := Effect{Kind: Judged, Worker: w, Verdict: v, Work: s.vardiff.told}
	if e.Feed != nil && e.Feed.Job() != nil {
		effect.Work = e.Feed.Job().Algorithm.Work(effect.Work)
	}
	return codec.AppendError(out, id, v.Code(), v.Text()), effect
}

// Verdict answers a share that was forwarded. code and text are what the miner
// is told when it was not accepted.
func (s *Session) Verdict(id *codec.ID, v work.Verdict, code int, text string, out []byte) []byte {
	if v == work.Accepted {
		return codec.AppendTrue(out, id)
	}
	return codec.AppendError(out, id, code, text)
}
