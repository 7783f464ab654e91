package netloop

import (
	"unsafe"

	"farmproxy/codec"
	"farmproxy/session"
	"farmproxy/sharelog"
	"farmproxy/upstream"
	"farmproxy/work"
)

// What happens to shares, apart from their encoding.

// share does what the session asks for a worker's share.
func (l *loop) share(p *peer, w worker, e *session.Effect, out []byte) []byte {
	if e.Reconnect {
		l.counts.LostRolling.Add(1)
	}
	switch e.Kind {
	case session.Judged:
		if e.Verdict == work.Accepted && upstream.IsTestWork(e.Candidate.Job) {
			l.feedOf(p, e.Late).lane.Pass() // no pool's work, and on nobody's books
			return out
		}
		l.judged(p, w, e.Verdict, e.Work)
		if e.Verdict == work.Accepted {
			l.earned(p)
			p.books().Mined(l.wall, e.Work)
			l.credit(p, e.Work)
			f := l.feedOf(p, e.Late)
			if f.keep(e.Work); e.Late {
				f.tellKept() // nobody of that lane may be left here
			}
		} else if e.Verdict != work.Stale {
			p.sent.invalid++
		}
	case session.Forward:
		return l.forward(p, w, e, out)
	case session.WantHash:
		if !e.Candidate.Job.Algorithm.Slow {
			l.gather(p, w, e.Candidate)
		} else if l.server.hasher.hash(l.cookie(p), w, e.Candidate) {
			l.hashing++
		} else {
			return l.refuse(p, w, &e.Candidate.ID, work.TooMany, 0, out)
		}
	}
	return out
}

// hashed continues with a share whose slow hash is done.
func (l *loop) hashed(h *hashed) {
	l.hashing--
	p := l.find(h.cookie)
	if p == nil {
		return
	}
	if c := &h.share[0]; h.tooMany {
		l.out = l.refuse(p, h.worker, &c.ID, work.TooMany, 0, l.out[:0])
	} else {
		l.setEnv(p)
		l.out = l.verdictOn(p, h.worker, c, l.out[:0])
	}
	l.write(p, l.out)
}

// forward passes a share to the lane.
func (l *loop) forward(p *peer, w worker, e *session.Effect, out []byte) []byte {
	c := e.Candidate
	_, waiting := p.dialect.miner(p, &c.ID)
	if *waiting >= maxWaiting {
		return l.refused(p, w, e, work.TooMany, out)
	}
	share := upstream.Share{
		Cookie: l.cookie(p), ID: c.ID, Worker: w.opened(true),
		Job: c.Job, Solution: c.Solution, Work: e.Work,
		Block: c.Block, Answered: c.Answered, Proven: c.Proven, Before: *waiting,
	}
	l.handOn()
	p.marks |= forwarded
	if l.feedOf(p, e.Late).lane.Submit(share) {
		*waiting++
		p.books().Sent(poolWork(share.Job, share.Prefix))
		return out
	}
	return l.refused(p, w, e, work.Overloaded, out)
}

// refused is refuse for a share that was about to be forwarded.
func (l *loop) refused(p *peer, w worker, e *session.Effect, v work.Verdict, out []byte) []byte {
	if e.Candidate.Answered {
		l.judged(p, w, v, e.Work)
		return out
	}
	return l.refuse(p, w, &e.Candidate.ID, v, e.Work, out)
}

// refuse answers a share for which there is no room.
func (l *loop) refuse(p *peer, w worker, id *codec.ID, v work.Verdict, credit float64, out []byte) []byte {
	l.judged(p, w, v, credit)
	return p.dialect.refuse(p, id, v, out)
}

// verdictsAhead is how many verdicts ahead a miner is prefetched: each verdict takes
// some 10 µs, most of it in the kernel, which needs the cache too.
const verdictsAhead = 2

// prefetch prefetches what verdict reads.
func (l *loop) prefetch(v *upstream.Verdict) {
	v.Worker.Prefetch()
	if p := l.find(v.Cookie); p != nil {
		work.Prefetch(p, int(unsafe.Offsetof(p.session)))
	}
}

// verdict passes the pool's verdict to the miner, if it is still connected, and always
// counts it.
func (l *loop) verdict(v *upstream.Verdict) {
	p := l.find(v.Cookie)
	l.judged(p, worker{books: v.Worker}, v.Verdict, v.Work)
	if p == nil {
		return
	}
	p.dialect.tally(p, &v.ID).count(v.Verdict)
	if v.Verdict == work.Accepted {
		l.earned(p)
		prefix, _ := p.dialect.miner(p, &v.ID)
		p.books().Accepted(poolWork(v.Job, prefix))
		p.books().Mined(l.wall, v.Work)
		l.credit(p, v.Work)
	}
	if p.dialect.verdict(l, p, v) {
		l.close(p, session.SharesRefused)
	}
}

// earned records that a miner has had a share accepted: from now on, the link that it
// holds is its own.
func (l *loop) earned(p *peer) {
	l.proven(p)
	if p.feed != nil {
		p.feed.lane.Earn()
	}
}

// proven marks a peer that has had a share accepted, now or before it came back.
func (l *loop) proven(p *peer) {
	if !p.is(earned) {
		l.uncount(p)
		p.marks |= earned
		l.server.guard.Works(p.remote.Addr(), l.env.Now)
	}
}

// judged counts a verdict. credit is in shares of difficulty 1; p is nil if the miner has
// left.
func (l *loop) judged(p *peer, w worker, v work.Verdict, credit float64) {
	l.counts.Verdicts[v].Add(1)
	l.counts.Work[v].Add(credit)
	w.tally.count(v)
	if l.server.shares.On() {
		l.keepShare(p, w, v, credit)
	}
	if b := w.opened(v == work.Accepted); b != nil {
		b.Share(l.index, l.wall, v, credit)
	}
}

// keepShare adds a share to the share log.
func (l *loop) keepShare(p *peer, w worker, v work.Verdict, credit float64) {
	s := sharelog.Share{Time: l.wall, Worker: w.name(), Verdict: v, Work: credit}
	if p != nil {
		s.Address = p.remote.AddrPort()
		if p.goal != nil {
			s.Account = p.goal.Account()
			s.Pool, s.Algorithm = p.goal.Names()
		}
	}
	l.server.shares.Add(s)
}

// poolWork returns a share's work at the pool's difficulty, in shares of difficulty 1.
// The account proxy's series count this, and only shares that the pool received.
func poolWork(job *work.Job, prefix uint16) float64 {
	return job.Algorithm.Work(job.DifficultyFor(prefix))
}

func (l *loop) cookie(p *peer) upstream.Cookie {
	return makeCookie(l.index, l.slots[p.slot].generation, p.slot)
}
