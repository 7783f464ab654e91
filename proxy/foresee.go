package proxy

import (
	"math"

	"farmproxy/balance"
	"farmproxy/netloop"
	"farmproxy/upstream"
)

// flow is who would move on a split route, in miners.
type flow struct {
	moves  map[[2]string]int // from a goal to another
	at     map[string]int    // at each goal now
	pinned int               // that stay since they are pinned where they are
	agents int               // that stay since they are behind agents
}

// leaving is how many would leave a goal; going how many would move at all.
func (f *flow) leaving(goal string) (n int) {
	for way, miners := range f.moves {
		if way[0] == goal {
			n += miners
		}
	}
	return n
}

func (f *flow) going() (n int) {
	for _, miners := range f.moves {
		n += miners
	}
	return n
}

// foresee returns who would move if the goals of a route were to get those parts: what the
// balance would do if all miners had rested, and no goal were owed anything. A miner whose
// work is not known yet counts as an ordinary one.
func foresee(goals []*upstream.Goal, miners []netloop.SplitMiner, wanted []balance.Goal, pins map[string]string) *flow {
	f := &flow{moves: make(map[[2]string]int), at: make(map[string]int)}
	var s splitRoute
	s.follow(goals)
	s.see(miners, pins)
	s.given = wanted
	mean := balance.MeanRate(s.miners)
	was := make([]int, len(s.miners))
	for i := range s.miners {
		m := &s.miners[i]
		was[i], m.Rested = m.Goal, math.MaxInt64
		if m.Rate == 0 {
			m.Rate = mean
		}
		if !m.Fixed && m.Pinned == m.Goal && wanted[m.Goal].Open {
			f.pinned++
		}
	}
	for i := range miners {
		f.at[miners[i].Goal.Name()] += miners[i].Miners
		if miners[i].Fixed {
			f.agents += miners[i].Miners
		}
	}
	s.plan()
	for i := range s.miners {
		if is := s.miners[i].Goal; is != was[i] {
			f.moves[[2]string{goals[was[i]].Name(), goals[is].Name()}]++
		}
	}
	return f
}
