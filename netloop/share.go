package netloop

import (
	"unsafe"

	"farmproxy/codec"
	"farmproxy/session"
	"farmproxy/upstream"
	"farmproxy/work"
)

// What becomes of shares, apart from their bytes.

// share does what the session asks for about a worker's share.
func (l *loop) share(p *peer, w worker, e *session.Effect, out []byte) []byte {
	if e.Reconnect {
		l.counts.LostRolling.Add(1)
	}
	switch e.Kind {
	case session.Judged:
		l.judged(w, e.Verdict, e.Work)
		if e.Verdict == work.Accepted {
			l.earned(p)
			p.books().Mined(l.wall, e.Work)
			p.feed.kept++
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

// hashed goes on with a share whose hash took long.
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

// forward hands a share to the lane.
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
	p.forwarded = true
	if p.feed.lane.Submit(share) {
		*waiting++
		p.books().Sent(poolWork(share.Job, share.Prefix))
		return out
	}
	return l.refused(p, w, e, work.Overloaded, out)
}

// refused is refuse for a share that was to be forwarded.
func (l *loop) refused(p *peer, w worker, e *session.Effect, v work.Verdict, out []byte) []byte {
	if e.Candidate.Answered {
		l.judged(w, v, e.Work)
		return out
	}
	return l.refuse(p, w, &e.Candidate.ID, v, e.Work, out)
}

// refuse answers a share that there is no room for.
func (l *loop) refuse(p *peer, w worker, id *codec.ID, v work.Verdict, credit float64, out []byte) []byte {
	l.judged(w, v, credit)
	return p.dialect.refuse(p, id, v, out)
}

// verdictsAhead is how far before its turn a verdict's miner is looked for: each
// takes some 10 µs, most of it in the kernel, which needs the cache too.
const verdictsAhead = 2

// prefetch makes what verdict takes ready.
func (l *loop) prefetch(v *upstream.Verdict) {
	v.Worker.Prefetch()
	if p := l.find(v.Cookie); p != nil {
		work.Prefetch(p, int(unsafe.Offsetof(p.session)))
	}
}

// verdict returns the pool's verdict to the miner, if it is still there, and
// counts it in any case.
func (l *loop) verdict(v *upstream.Verdict) {
	l.judged(worker{books: v.Worker}, v.Verdict, v.Work)
	p := l.find(v.Cookie)
	if p == nil {
		return
	}
	if v.Verdict == work.Accepted {
		l.earned(p)
		prefix, _ := p.dialect.miner(p, &v.ID)
		p.books().Accepted(poolWork(v.Job, prefix))
		p.books().Mined(l.wall, v.Work)
	}
	if p.dialect.verdict(l, p, v) {
		l.close(p, session.SharesRefused)
	}
}

// earned notes that a miner has handed in a share that counts: what it holds of others'
// is its own from now on.
func (l *loop) earned(p *peer) {
	p.earned = true
	if p.feed != nil {
		p.feed.lane.Earn()
	}
}

// judged counts a verdict. credit is in shares of difficulty 1.
func (l *loop) judged(w worker, v work.Verdict, credit float64) {
	l.counts.Verdicts[v].Add(1)
	l.counts.Work[v].Add(credit)
	if b := w.opened(v == work.Accepted); b != nil {
		b.Share(l.index, l.wall, v, credit)
	}
}

// poolWork returns what a share is worth to the pool, in shares of difficulty 1:
// what the account proxy's series count, which know of no other shares than
// those that the pool got.
func poolWork(job *work.Job, prefix uint16) float64 {
	return job.Algorithm.Work(job.DifficultyFor(prefix))
}

func (l *loop) cookie(p *peer) upstream.Cookie {
	return makeCookie(l.index, l.slots[p.slot].generation, p.slot)
}
