package netloop

import (
	"context"
	"time"

	"farmproxy/upstream"
)

// SplitMiner is a miner of a split route, or an agent with all of its miners, as it was when
// its loop looked.
type SplitMiner struct {
	Cookie upstream.Cookie
	Worker string // the name that it mines under, as booked; of an agent, the user
	Goal   *upstream.Goal
	Fits   uint64        // bit i: it can work at the route's i-th goal
	Fixed  bool          // an agent: it stays where it is
	Miners int           // 1, or those of the agent
	Rate   float64       // estimated work per second, in shares of difficulty 1; 0: not known
	Shares float64       // how many shares the estimate rests on
	Share  float64       // work of one share, in shares of difficulty 1; 0: not known
	Since  time.Duration // how long it has been on the route
	Moved  time.Duration // how long ago it was moved; below 0: never

	prefix upstream.Prefix
	mask   uint32
}

// SplitMiners returns the miners of all split routes that have jobs. Any goroutine but an
// event loop. The error is ctx's.
func (s *Server) SplitMiners(ctx context.Context) ([]SplitMiner, error) {
	return s.someSplitMiners(ctx, func(*peer) bool { return true })
}

// SplitMinersOf returns those of one worker: of all miners, the loops then only compare the
// names. Any goroutine but an event loop. The error is ctx's.
func (s *Server) SplitMinersOf(ctx context.Context, worker string) ([]SplitMiner, error) {
	return s.someSplitMiners(ctx, func(p *peer) bool { return p.login == worker })
}

func (s *Server) someSplitMiners(ctx context.Context, wanted func(*peer) bool) (list []SplitMiner, err error) {
	loops := *s.loops.Load()
	answers := make(chan []SplitMiner, len(loops))
	for _, l := range loops {
		l.mailbox.call(func() {
			select {
			case answers <- l.splitMiners(wanted):
			default: // never full: it has room for all loops
			}
		})
	}
	for range loops {
		select {
		case some := <-answers:
			list = append(list, some...)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for i := range list {
		list[i].Fits = list[i].fits()
	}
	return list, nil
}

// splitMiners returns those of the loop that are wanted.
func (l *loop) splitMiners(wanted func(*peer) bool) (list []SplitMiner) {
	for _, f := range l.feeds {
		if f.split = f.lane.Goal().Split(); !f.split || f.Job() == nil {
			continue
		}
		for _, p := range f.members {
			if wanted(p) {
				list = append(list, l.describe(p))
			}
		}
	}
	return list
}

// describe says what is known of a miner of a split route, or an agent.
func (l *loop) describe(p *peer) SplitMiner {
	m := l.splitMiner(p)
	m.age(l.env.Now)
	x := SplitMiner{
		Cookie: l.cookie(p), Worker: p.login, Goal: p.goal, Miners: 1,
		Rate: m.rate(), Shares: m.shares, Since: l.env.Now - m.since, Moved: -1,
		prefix: p.prefix, mask: p.session.Rolls(),
	}
	if m.moved != 0 {
		x.Moved = l.env.Now - m.moved
	}
	if a, is := p.dialect.(*agentPeer); is {
		x.Fixed, x.Miners = true, 0
		a.session.Miners(func(uint16, string) { x.Miners++ })
		return x
	}
	x.Share = p.feed.Job().Algorithm.Work(p.session.Difficulty())
	return x
}

// fits returns the goals at which the miner can work.
func (x *SplitMiner) fits() (set uint64) {
	for i, g := range x.Goal.Route().Goals() {
		if to := x.Would(g); to == Stays || to == Done {
			set |= 1 << i
		}
	}
	return set
}

// Would returns what would become of the miner's move to another goal of its route, as far as
// is known. Any goroutine.
func (x *SplitMiner) Would(to *upstream.Goal) Moved {
	switch {
	case to == x.Goal:
		return Stays
	case x.Fixed:
		return Agent
	}
	return unfit[to.Fit(x.prefix, x.mask)]
}

// unfit is what becomes of a move, by whether the miner fits.
var unfit = [...]Moved{upstream.Fits: Done, upstream.TooSmall: TooSmall, upstream.FewerBits: FewerBits}
