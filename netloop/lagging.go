package netloop

import (
	"time"

	"farmproxy/session"
)

// Miners that read more slowly than they are written to lag. What the kernel does not
// take is kept for them here, where another process can take it over, within bounds:
//
//   - A job waits until the miner has read what it was sent, and is then the newest:
//     those in between are never sent. So at most one job is kept for each miner,
//     however large jobs are and however often they come.
//   - Answers are what a miner asked for: with more than maxOutbound of them unread it
//     is closed, too_slow.
//   - All that is kept is at most maxOutgoing. Jobs take up to half of it, and wait
//     beyond that; of the other half each miner may have as much as is free for its
//     answers. So miners that ask and do not read keep nobody from a job.
//
// A miner that reads, if slowly, stays; one that has read nothing for maxUnread is
// closed, too_slow.
const (
	// maxOutgoing bounds, in bytes, what all miners together have not read yet: 1,000
	// jobs of 64 KiB.
	maxOutgoing = 64 << 20

	// maxUnread is how long a miner may read nothing at all: as long as the kernel
	// waits for one that does not even acknowledge.
	maxUnread = userTimeout

	// lookEvery is how often a loop checks whether lagging miners have read on: with a
	// send buffer per look, a miner gets 1.6 MB per second.
	lookEvery = 20 * time.Millisecond
)

// laggards are the loop's miners that have more to read than the kernel takes, and
// those whose job waits because others lag.
type laggards struct {
	list    []laggard
	spare   []laggard     // its memory, reused by the next look
	jobs    int           // bytes that wait for them, up to a job for each: at the last look, plus what changed since
	answers int           // the other bytes that wait for them
	max     int           // the loop's part of maxOutgoing
	looked  time.Duration // time of the last look, as Env.Now
	armed   bool          // the loop will be woken for the next look
}

type laggard struct {
	peer  *peer
	left  int           // bytes, at the last look
	since time.Duration // when it last read anything, as Env.Now
}

// keep keeps what the kernel does not take now; false: that is too much.
func (l *loop) keep(p *peer, out []byte) bool {
	before := len(p.unsent())
	after := before + len(out)
	if !l.lagging.mayHave(p, before, after) {
		return false
	}
	more := p.more()
	more.unsent = append(more.unsent, out...)
	l.lagging.change(p, before, after)
	l.lag(p, after)
	return true
}

// sendOn sends a laggard what was kept, as far as the kernel takes it now, and returns
// how much is left; false: the connection is gone.
func (l *loop) sendOn(p *peer) (left int, ok bool) {
	kept := p.unsent()
	if len(kept) == 0 {
		return 0, true
	}
	n, err := p.send(kept)
	if err != nil {
		l.close(p, session.MinerLeft)
		return 0, false
	}
	if left = len(kept) - n; left == 0 {
		p.rare.unsent = nil
	} else if n > 0 {
		p.rare.unsent = kept[:copy(kept, kept[n:])]
	}
	return left, true
}

// parts divides the bytes that a peer has unread: up to the size of a job they count as
// one, and the rest as answers.
func (p *peer) parts(unread int) (job, answers int) {
	if p.feed != nil {
		if j := p.feed.Job(); j != nil {
			job = min(unread, len(j.Line.Head)+len(j.Line.Tail))
		}
	}
	return job, unread - job
}

// mayHave reports whether a peer that has so many bytes unread may have more.
func (g *laggards) mayHave(p *peer, before, after int) bool {
	_, has := p.parts(before)
	_, wants := p.parts(after)
	return wants <= p.dialect.limits().outbound && (wants <= has || g.answers+wants-has <= g.max/2)
}

// change records that a peer has more bytes unread, or fewer.
func (g *laggards) change(p *peer, before, after int) {
	job, answers := p.parts(before)
	jobNow, answersNow := p.parts(after)
	g.jobs += jobNow - job
	g.answers += answersNow - answers
}

// crammed reports whether there is no room for the jobs of more miners.
func (g *laggards) crammed() bool { return g.jobs >= g.max/2 }

// lag adds a peer to the laggards, unless it is one.
func (l *loop) lag(p *peer, left int) {
	if !p.is(lagging) {
		p.marks |= lagging
		l.lagging.list = append(l.lagging.list, laggard{p, left, l.env.Now})
		l.arm()
	}
}

// withhold reports whether a member does not get a job now: it gets the newest when it
// has read what it was sent.
func (l *loop) withhold(p *peer, f *feed) bool {
	if !p.is(lagging) && !l.lagging.crammed() {
		return false
	}
	switch {
	case f.clean:
		p.marks |= missedJob | missedClean
	case !f.repeat:
		p.marks |= missedJob
	default:
		return true // it has that job
	}
	l.lag(p, len(p.unsent()))
	return true
}

// arm schedules the next look.
func (l *loop) arm() {
	if g := &l.lagging; !g.armed {
		g.armed = true
		time.AfterFunc(lookEvery, l.mailbox.turn)
	}
}

// look checks which laggards have read on.
func (l *loop) look() {
	g := &l.lagging
	if len(g.list) == 0 || l.env.Now-g.looked < lookEvery {
		return
	}
	g.looked, g.armed, g.jobs, g.answers = l.env.Now, false, 0, 0
	list := g.list
	g.list, g.spare = g.spare[:0], nil
	for i := range list {
		x := list[i]
		p := x.peer
		if p.conn == nil {
			continue
		}
		left, ok := l.sendOn(p)
		if !ok {
			continue
		}
		if left < x.left || left == 0 {
			x.since = l.env.Now
		}
		if x.left = left; left > 0 && l.env.Now-x.since >= maxUnread {
			l.close(p, session.TooSlow)
			continue
		}
		if left > 0 || p.is(missedJob) && g.crammed() {
			g.change(p, 0, left)
			g.list = append(g.list, x)
			continue
		}
		p.marks &^= lagging
		l.catchUp(p) // it may lag again at once, and is then appended
	}
	clear(list)
	g.spare = list
	if len(g.list) > 0 {
		l.arm()
	}
}

// catchUp sends a miner the newest job, if it missed any.
func (l *loop) catchUp(p *peer) {
	m := p.marks
	p.marks &^= missedJob | missedClean
	if m&missedJob == 0 || p.feed == nil || p.feed.Job() == nil || p.dialect.lastJob(p) == p.feed.Job().ID {
		return
	}
	l.setEnv(p)
	l.sendJob(p, m&missedClean != 0)
}
