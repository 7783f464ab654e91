package netloop

import (
	"math"
	"time"

	"farmproxy/upstream"
)

// What a loop knows of the miners of split routes, beside their peers: it exists only where
// there are any.

const (
	// rateTime is the time constant of a miner's estimated work per second: long enough
	// that six shares per minute say it within 13 %, short enough to follow a miner that
	// loses a board.
	rateTime = 10 * time.Minute

	// rateShares is how many shares an estimate needs. With two it may be off by its half,
	// but a miner that does much of the route's work is known within half a minute.
	rateShares = 2

	// lateTime is how long the shares of a miner that was moved count for the job that it
	// had: longer than slow firmware takes to change to another.
	lateTime = 10 * time.Second
)

// splitMiner is what is known of a miner of a split route. The zero value is a miner that
// has just come.
type splitMiner struct {
	here   bool          // it is on a split route
	since  time.Duration // when it came, as Env.Now
	moved  time.Duration // when it was last moved, as Env.Now, below 0 before this process; 0: never
	looked time.Duration // when work and weight were last aged
	work   float64       // of its accepted shares, the older the less
	weight float64       // of the time that they took, in seconds
	shares float64       // how many they are
	left   *feed         // of the lane that it was moved from lately; nil: none
}

// age lets what is known of the work lose weight until now.
func (m *splitMiner) age(now time.Duration) {
	seconds := (now - m.looked).Seconds()
	a := math.Exp(-seconds / rateTime.Seconds())
	m.work, m.shares, m.weight = m.work*a, m.shares*a, m.weight*a+seconds
	m.looked = now
}

// mined adds an accepted share.
func (m *splitMiner) mined(work float64) {
	m.work += work
	m.shares++
}

// rate returns the estimated work per second, in shares of difficulty 1; 0: not known yet.
func (m *splitMiner) rate() float64 {
	if m.shares < rateShares || m.weight == 0 {
		return 0
	}
	return m.work / m.weight
}

// splitMiner returns what is known of a miner that is at a goal of a split route.
func (l *loop) splitMiner(p *peer) *splitMiner {
	if int(p.slot) >= len(l.split) {
		l.split = append(l.split, make([]splitMiner, len(l.slots)-len(l.split))...)
	}
	m := &l.split[p.slot]
	if !m.here {
		*m = splitMiner{here: true, since: l.env.Now, looked: l.env.Now}
	}
	return m
}

// resumeSplit gives a miner that is back what was known of it. If it has logged in already,
// to the route that it was on, it goes back to its goal there.
func (l *loop) resumeSplit(p *peer, parked *parkedSession) {
	if parked.split == nil {
		return
	}
	*l.splitMiner(p) = *parked.split
	if p.goal != nil && p.last != nil && p.goal.Beside(p.last.Goal()) && p.last.Goal().Up() {
		p.goal = p.last.Goal()
	}
}

// unsplit forgets what is known of a peer.
func (l *loop) unsplit(p *peer) {
	if int(p.slot) < len(l.split) {
		l.split[p.slot] = splitMiner{}
	}
}

// leftFeed returns the feed of the lane that a miner of a split route was moved from
// lately; nil: it was not.
func (l *loop) leftFeed(p *peer) *feed {
	if int(p.slot) >= len(l.split) {
		return nil
	}
	m := &l.split[p.slot]
	if m.left != nil && l.env.Now-m.moved > lateTime {
		m.left = nil
	}
	return m.left
}

// feedOf returns the feed whose lane a share of the miner belongs to: late says that it is
// the one that it left.
func (l *loop) feedOf(p *peer, late bool) *feed {
	if late {
		if f := l.leftFeed(p); f != nil {
			return f
		}
	}
	return p.feed
}

// credit notes an accepted share of a miner, for the balance of its route.
func (l *loop) credit(p *peer, work float64) {
	if p.feed != nil && p.feed.split {
		m := l.splitMiner(p)
		m.age(l.env.Now)
		m.mined(work)
	}
}

// route returns the name of the route of a peer's listener, as it is configured now; of a
// listener that is closed, as it was.
func (l *loop) route(p *peer) string {
	list := l.server.settings.Load().Listeners
	for i := range list {
		if list[i].Address == p.listener.Address {
			return list[i].Route
		}
	}
	return p.listener.Route
}

// caller describes a peer that logs in under a name.
func (l *loop) caller(p *peer, login string) upstream.Caller {
	c := upstream.Caller{
		Login: login, Address: p.remote.Addr(), Route: l.route(p),
		On: p.goal, Prefix: p.prefix, Mask: p.session.Rolls(),
	}
	if c.On == nil && p.last != nil {
		c.On = p.last.Goal()
	}
	return c
}

// splitOf returns a copy of what is known of a peer; nil: it is on no split route.
func (l *loop) splitOf(p *peer) *splitMiner {
	if int(p.slot) >= len(l.split) || !l.split[p.slot].here {
		return nil
	}
	m := l.split[p.slot]
	m.age(l.env.Now)
	return &m
}

// image returns what is known of a miner for the next process.
func (m *splitMiner) image(now time.Duration) (i splitImage) {
	if m == nil {
		return i
	}
	i = splitImage{
		here: true, since: now - m.since,
		shares: math.Float64bits(m.shares), work: math.Float64bits(m.work), weight: math.Float64bits(m.weight),
	}
	if m.moved != 0 {
		i.moved = max(1, now-m.moved)
	}
	if m.left != nil && now-m.moved <= lateTime {
		i.left = m.left.lane.ID()
	}
	return i
}

// restore returns what an image says, of a moment; nil: nothing is known.
func (i *splitImage) restore(moment time.Duration) *splitMiner {
	if !i.here {
		return nil
	}
	m := &splitMiner{
		here: true, since: moment - i.since, looked: moment,
		shares: math.Float64frombits(i.shares), work: math.Float64frombits(i.work), weight: math.Float64frombits(i.weight),
	}
	if i.moved != 0 {
		m.moved = notNever(moment - i.moved)
	}
	return m
}

// notNever returns a time of which 0 would mean never.
func notNever(at time.Duration) time.Duration {
	if at == 0 {
		return 1
	}
	return at
}
