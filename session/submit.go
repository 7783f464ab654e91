package session

import (
	"encoding/binary"

	"farmproxy/codec"
	"farmproxy/work"
)

// submit judges a share. What the hash does not decide comes first; then a
// block is a block, late or not, and goes to the pool.
func (s *Session) submit(e *Env, r *codec.Request, out []byte) ([]byte, Effect) {
	p, ok := r.Submit()
	if !ok {
		return s.reject(r, nil, work.Malformed, out)
	}
	if s.flags&subscribed == 0 {
		return s.reject(r, nil, work.NotSubscribed, out)
	}
	w := s.find(p.Worker)
	if w == nil {
		return s.reject(r, nil, work.Unauthorized, out)
	}
	id, _ := codec.HexUint32(p.Job)
	difficulty, sent := s.recall(id)
	if !sent || e.Feed == nil {
		return s.reject(r, w, work.UnknownJob, out)
	}
	job, stale := e.Feed.find(id)
	if job == nil {
		return s.reject(r, w, work.UnknownJob, out)
	}
	extranonce2 := e.extranonce2[:min(int(s.extranonce2), job.Layout.Room)]
	if !codec.DecodeHex(extranonce2, p.Extranonce2) {
		return s.reject(r, w, work.Malformed, out)
	}
	version := job.Version
	if p.HasVersion {
		mask := s.rollable(e, job)
		if p.VersionBits&^mask != 0 {
			return s.reject(r, w, work.BadVersion, out)
		}
		version = work.RollVersion(job.Version, mask, p.VersionBits)
	}

	solution := work.Solution{Prefix: s.prefix[:s.prefixLen], Extranonce2: extranonce2, Version: version, NTime: p.NTime, Nonce: p.Nonce}
	hash := e.Checker.Hash(job, &solution)
	met := work.Difficulty(&hash)
	block := met >= job.Network
	fingerprint := binary.LittleEndian.Uint64(hash[:]) // the end that is not all zeros
	switch {
	case s.isSeen(fingerprint):
		return s.reject(r, w, work.Duplicate, out)
	case block:
	case met < difficulty:
		return s.reject(r, w, work.LowDifficulty, out)
	case stale:
		return s.reject(r, w, work.Stale, out)
	case p.NTime < job.NTime || p.NTime > e.Feed.latest(job)+work.MaxTimeRoll:
		return s.reject(r, w, work.BadTime, out)
	}

	difficulty = min(difficulty, met) // a block may be worth less than what was asked for
	s.see(fingerprint, job, e.Feed)
	s.vardiff.share(e.Now, difficulty, &e.Terms.Difficulty)
	if met < job.Difficulty && !block {
		return codec.AppendTrue(out, &r.ID), Effect{Kind: Judged, Worker: w, Verdict: work.Accepted, Difficulty: difficulty}
	}
	share := Share{Job: job, Extranonce2: extranonce2, Version: version, NTime: p.NTime, Nonce: p.Nonce, Block: block, Answered: e.Terms.AnswerLocal}
	if share.Answered {
		out = codec.AppendTrue(out, &r.ID)
	}
	return out, Effect{Kind: Forward, Worker: w, Difficulty: difficulty, Share: share}
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
func (s *Session) reject(r *codec.Request, w Worker, v work.Verdict, out []byte) ([]byte, Effect) {
	effect := Effect{Kind: Judged, Worker: w, Verdict: v, Difficulty: s.vardiff.told}
	return codec.AppendError(out, &r.ID, v.Code(), v.Text()), effect
}

// Verdict answers a share that was forwarded. code and text are what the miner
// is told when it was not accepted.
func (s *Session) Verdict(id *codec.ID, v work.Verdict, code int, text string, out []byte) []byte {
	if v == work.Accepted {
		return codec.AppendTrue(out, id)
	}
	return codec.AppendError(out, id, code, text)
}
