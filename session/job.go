package session

import (
	"math"

	"farmproxy/codec"
	"farmproxy/work"
)

// Job sends the feed's last job to the miner: what must precede it (a new mask, a new
// difficulty) and the notify, for a single write. clean makes the miner drop its
// current work.
func (s *Session) Job(e *Env, clean bool, out []byte) ([]byte, Effect) {
	if s.flags&subscribed == 0 || s.name == "" || e.Feed == nil || e.Feed.Job() == nil {
		return out, Effect{}
	}
	job := e.Feed.Job()
	s.Enter(e.Feed, 0)
	out, fits := s.fit(job, out)
	if !fits {
		return out, Effect{Kind: Hangup, Reason: ExtranonceTooSmall}
	}
	if s.flags&working == 0 {
		s.flags |= working
		s.vardiff.start(e.Now)
		clean = true
		if s.mayHaveJobAgain(e) { // it has resumed a session
			return s.jobAgain(e, out), Effect{}
		}
	}
	out = s.setMask(e, out)
	if d := s.vardiff.next(e.Feed, s.prefixValue(), &e.Terms.Difficulty); d != s.vardiff.told {
		s.vardiff.told = d
		out = codec.AppendSetDifficulty(out, d)
	}
	if _, had := s.recall(job.ID); !had && e.Feed.onNew {
		s.later = 0 // what the miner was sent before does not come again
	}
	s.remember(job.ID, s.vardiff.told)
	s.tidy(e.Feed)
	return s.notify(e.Feed, clean, out), Effect{}
}

// notify appends the feed's last job: the bytes shared by all miners, or the miner's
// own if it was sent that work with a later time than the others.
func (s *Session) notify(f *Feed, clean bool, out []byte) []byte {
	if s.later == 0 {
		return append(out, f.line(int(s.extranonce2), clean)...)
	}
	return appendNotify(out, f.Job(), int(s.extranonce2), f.ntime+uint32(s.later), clean)
}

// maxLater bounds how often a miner can make us send the same work again, each time a
// second later: small enough for pools to accept.
const maxLater = 8

// mayHaveJobAgain reports whether the miner has its lane's last job and may be sent it
// once more.
func (s *Session) mayHaveJobAgain(e *Env) bool {
	return s.flags&working != 0 && s.later < maxLater && e.Feed != nil && e.Feed.Job() != nil && e.Feed.Job().ID == s.LastJob()
}

// jobAgain sends the miner its current job again: some firmware waits for work after a
// second mining.subscribe, and a returning miner starts over. It then starts with the
// same extranonce2 and would find its own shares again, so the job is a little later,
// and stays so.
func (s *Session) jobAgain(e *Env, out []byte) []byte {
	s.later++
	s.flags &^= maskTold
	out = s.setMask(e, out)
	s.vardiff.told = s.vardiff.next(e.Feed, s.prefixValue(), &e.Terms.Difficulty)
	out = codec.AppendSetDifficulty(out, s.vardiff.told)
	s.remember(e.Feed.Job().ID, s.vardiff.told)
	return s.notify(e.Feed, true, out)
}

// firstJob sends the first job once the miner has completed its handshake.
func (s *Session) firstJob(e *Env, out []byte) []byte {
	if s.flags&working != 0 {
		return out
	}
	// Hangup for lack of room can't happen here: the miner's extranonce2 was sized by
	// what the pool leaves now. If it happened, the next job would hang up.
	out, _ = s.Job(e, true, out)
	return out
}

// Adjust tells the miner what changed without a new job: a new mask takes effect at
// once, and so does a difficulty that must drop to the pool's. A higher one waits for
// the next job.
func (s *Session) Adjust(e *Env, out []byte) []byte {
	if s.flags&working == 0 {
		return out
	}
	return s.lowerDifficulty(e, s.setMask(e, out))
}

// fit makes sure that the miner's extranonce fits what the pool leaves. If it does
// not, the miner gets a smaller extranonce2 if it supports mining.set_extranonce;
// otherwise it has to reconnect for another.
func (s *Session) fit(job *work.Job, out []byte) ([]byte, bool) {
	if int(s.prefixLen) != job.Layout.Prefix {
		return out, false
	}
	if int(s.extranonce2) <= job.Layout.Room {
		return out, true
	}
	if s.flags&extranonceSubscribed == 0 {
		return out, false
	}
	s.extranonce2 = uint8(job.Layout.Room)
	return codec.AppendSetExtranonce(out, s.prefix[:s.prefixLen], job.Layout.Room), true
}

// setMask tells a version-rolling miner its mask when it changed, and always once
// after authorize: some firmware waits for it, and some hangs up if it comes earlier.
func (s *Session) setMask(e *Env, out []byte) []byte {
	if s.flags&rolling == 0 {
		return out
	}
	mask := s.asked & e.Feed.rollable()
	if mask == s.told && s.flags&maskTold != 0 {
		return out
	}
	s.told = mask
	s.flags |= maskTold
	return codec.AppendSetVersionMask(out, mask)
}

// lowerDifficulty tells the miner a lower difficulty at once, if one is due. It also
// applies to the jobs that the miner has: many firmwares apply it to their current
// job.
func (s *Session) lowerDifficulty(e *Env, out []byte) []byte {
	d := s.vardiff.next(e.Feed, s.prefixValue(), &e.Terms.Difficulty)
	if d >= s.vardiff.told {
		return out
	}
	s.vardiff.told = d
	for i := range s.posted {
		s.posted[i].difficulty = min(s.posted[i].difficulty, lower32(d))
	}
	return codec.AppendSetDifficulty(out, d)
}

// remember records that the miner was sent a job. A job sent again (a keepalive) keeps
// the lower of both difficulties: the miner may be using either.
func (s *Session) remember(job uint32, difficulty float64) {
	last := &s.posted[s.head]
	if last.job == job {
		last.difficulty = min(last.difficulty, lower32(difficulty))
		return
	}
	s.head = (s.head + 1) % maxPosted
	s.posted[s.head] = posted{job, lower32(difficulty)}
}

// LastJob returns the id of the job last sent to the miner; 0: none yet.
func (s *Session) LastJob() uint32 { return s.posted[s.head].job }

// upper32 returns d as a float32 that is at least d: a requested difficulty is a
// minimum.
func upper32(d float64) float32 {
	f := float32(d)
	if float64(f) < d {
		f = math.Nextafter32(f, math.MaxFloat32)
	}
	return f
}

// lower32 returns d as a float32 that is at most d, so that no share is rejected over
// the last bits of a difficulty that is not a power of two.
func lower32(d float64) float32 {
	f := float32(d)
	if float64(f) > d {
		f = math.Nextafter32(f, 0)
	}
	return f
}

// Moved tells the miner that it is on another lane now, by sending that lane's job,
// clean. If the algorithm differs, its known difficulty is useless.
func (s *Session) Moved(e *Env, sameAlgorithm bool, out []byte) ([]byte, Effect) {
	if !sameAlgorithm {
		s.vardiff.want = 0
	}
	if e.Feed != nil && e.Feed.Job() != nil && s.later < maxLater {
		if _, had := s.recall(e.Feed.Job().ID); had {
			s.later++ // it is back: see jobAgain
		}
	}
	return s.Job(e, true, out)
}

// recall returns the difficulty that the miner was given for a job; ok is false if the
// job was never sent, or too long ago.
func (s *Session) recall(job uint32) (difficulty float64, ok bool) {
	for i := range s.posted {
		if s.posted[i].job == job && job != 0 {
			return float64(s.posted[i].difficulty), true
		}
	}
	return 0, false
}

func appendNotify(dst []byte, job *work.Job, extranonce2 int, ntime uint32, clean bool) []byte {
	return codec.AppendNotify(dst, &job.Line, job.Layout.Room-extranonce2, ntime, clean)
}
