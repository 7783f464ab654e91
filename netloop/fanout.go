package netloop

import (
	"time"

	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// post takes what a lane offers now. A new job goes out to all its miners; a changed
// mask or difficulty only, and at once, to those that it affects.
func (l *loop) post(p *upstream.Post) {
	f := l.feeds[p.Lane]
	if f == nil {
		return // no miner here has been on that lane yet: see loop.feed
	}
	f.outgrown = false // it is served again
	if f.take(p) {
		f.begin(l.env.Now, p.Clean, false)
		return
	}
	l.env.Feed = &f.Feed
	for i := 0; i < len(f.members); {
		m := f.members[i]
		l.deliver(m, func(out []byte) ([]byte, session.Effect) {
			return m.dialect.adjust(l, m, out), session.Effect{}
		})
		if i < len(f.members) && f.members[i] == m {
			i++ // otherwise m has left, and another took its place
		}
	}
}

// fanOut sends jobs to the next chunk of miners of each lane with a new one, and asks
// to be called again if miners are left.
func (l *loop) fanOut() (left bool) {
	for _, f := range l.feeds {
		switch {
		case f.outgrown:
			l.turnAway(f)
			left = left || f.outgrown && len(f.members) > 0
		case f.busy:
			l.fanOutFeed(f)
			left = left || f.busy
		}
	}
	left = l.moveSome() || left
	if left {
		l.mailbox.turn()
	}
	return left
}

func (l *loop) fanOutFeed(f *feed) {
	l.env.Feed = &f.Feed
	job := f.Job().ID
	l.beginVolley()
	defer l.endVolley()
	for range fanoutChunk {
		if f.cursor == len(f.members) {
			f.busy, f.clean, f.another = false, false, false
			return
		}
		m := f.members[f.cursor]
		f.cursor++ // before the write: it may close m, which moves the members
		if f.another {
			m.mine()
		}
		if m.dialect.lastJob(m) == job && !f.repeat {
			continue // joined during the fan-out, and has it
		}
		if !l.withhold(m, f) {
			l.sendJob(m, f.clean)
		}
	}
}

// sendJob sends a peer the last job of its lane, which must be in Env.
func (l *loop) sendJob(p *peer, clean bool) {
	l.deliver(p, func(out []byte) ([]byte, session.Effect) { return p.dialect.job(l, p, clean, out) })
}

// outgrown has the miners of a lane closed, because no pool has room for them.
func (l *loop) outgrown(lane *upstream.Lane) {
	if f := l.feeds[lane]; f != nil {
		f.outgrown = true
	}
}

// turnAway closes the next chunk of miners of an outgrown lane.
func (l *loop) turnAway(f *feed) {
	for range fanoutChunk {
		if len(f.members) == 0 {
			return
		}
		l.close(f.members[len(f.members)-1], session.ExtranonceTooSmall)
	}
}

// deliver writes what the session has for the miner, and keeps difficulty and version bits
// in its books up to date.
func (l *loop) deliver(p *peer, step func(out []byte) ([]byte, session.Effect)) {
	before, rolled := p.session.Difficulty(), p.session.Rolls()
	out, effect := step(l.out[:0])
	l.out = out
	if !l.write(p, out) {
		return
	}
	if effect.Kind == session.Hangup {
		l.close(p, effect.Reason)
		return
	}
	if d := p.session.Difficulty(); d != before {
		p.booked(func(w *stats.Worker) { w.SetDifficulty(d) })
		p.books().SetDifficulty(d)
	}
	p.rolls(rolled)
}

// tick checks a fraction of the miners: deadlines, difficulties, and whether they have
// had no pool for too long. Lanes that have been silent get their last job again.
func (l *loop) tick() {
	l.ticks++
	for i := len(l.wires) - 1; i >= 0; i-- { // backwards: the last one takes the place of one that closes
		l.wires[i].tick()
	}
	for _, f := range l.feeds {
		f.gone = f.lane.GivenUp(l.wall)
		f.tellKept()
		l.keepalive(f)
	}
	for i := l.ticks % tickShare; i < len(l.slots); i += tickShare {
		p := l.slots[i].peer
		if p == nil {
			continue
		}
		if p.feed != nil && p.feed.gone {
			l.close(p, session.NoPool)
			continue
		}
		p.sent = sent{}
		if l.dawdles(p) {
			l.close(p, session.HandshakeTimeout)
			continue
		}
		l.setEnv(p)
		l.deliver(p, func(out []byte) ([]byte, session.Effect) { return p.dialect.tick(l, p, out) })
	}
}

// keepalive sends the last job again after silence: miners consider a pool dead after
// 60 s of silence.
func (l *loop) keepalive(f *feed) {
	job := f.Job()
	if job == nil || f.busy || l.env.Now-f.sent < l.server.settings.Load().Keepalive {
		return
	}
	age := l.wall.Sub(job.Received)
	f.Keepalive(uint32(max(age, 0) / time.Second))
	f.begin(l.env.Now, false, true)
}
