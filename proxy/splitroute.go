package proxy

import (
	"math"
	"slices"
	"time"

	"farmproxy/balance"
	"farmproxy/netloop"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/wish"
	"farmproxy/work"
)

// splitRoute is what is kept of a split route from one look to the next. All slices but
// miners and past are by goal.
type splitRoute struct {
	name    string // for people
	account bool
	goals   []*upstream.Goal
	given   []balance.Goal // what was wished at the last look; empty: there was none
	weights []wish.Weight  // that it was made of
	booked  []float64      // work that is booked; below 0: nothing was yet
	counts  []splitCounts
	ledger  balance.Ledger
	past    []splitPast // of the last balance.Window, the oldest first
	unfit   uint64      // bit i: no miner can work at goal i, and the log says so

	miners  []balance.Miner // at the last look, where they are after its moves; the others are theirs
	cookies []upstream.Cookie
	workers []string
}

// splitCounts are what became of moves to a goal.
type splitCounts struct {
	moves   [balance.NumReasons]uint64
	refused [netloop.NumMoved]uint64
}

func (c *splitCounts) refuse(why netloop.Moved) {
	if why != netloop.Stays && why != netloop.Gone { // these need no move any more
		c.refused[why]++
	}
}

// splitPast is the work between two looks.
type splitPast struct {
	end          time.Time
	work, wished []float64 // by goal
}

// follow takes over the route's goals, where they are not those of the last look.
func (s *splitRoute) follow(goals []*upstream.Goal) {
	if slices.Equal(s.goals, goals) {
		return
	}
	from := make([]int, len(goals))
	booked, counts := make([]float64, len(goals)), make([]splitCounts, len(goals))
	var wished []balance.Goal
	for i, g := range goals {
		booked[i] = -1
		var goal balance.Goal
		if from[i] = slices.Index(s.goals, g); from[i] >= 0 {
			booked[i], counts[i] = s.booked[from[i]], s.counts[from[i]]
			if len(s.given) > 0 {
				goal = s.given[from[i]]
			}
		}
		wished = append(wished, goal)
	}
	s.ledger.Follow(from)
	s.goals, s.booked, s.counts, s.given, s.past, s.unfit = goals, booked, counts, wished, nil, 0
}

// see takes the miners as they are now.
func (s *splitRoute) see(miners []netloop.SplitMiner, pins map[string]string) {
	s.miners, s.cookies, s.workers = s.miners[:0], s.cookies[:0], s.workers[:0]
	for _, m := range miners {
		goal := slices.Index(s.goals, m.Goal)
		if goal < 0 {
			continue // its goal was taken out just now: its loop moves it
		}
		x := balance.Miner{
			ID: uint64(len(s.cookies)), Goal: goal, Rate: m.Rate, Share: m.Share,
			Rested: math.MaxInt64, Fits: m.Fits, Pinned: balance.NoPin, Fixed: m.Fixed,
		}
		if m.Moved >= 0 {
			x.Rested = m.Moved
		}
		if name, pinned := pins[m.Worker]; pinned {
			x.Pinned = slices.IndexFunc(s.goals, func(g *upstream.Goal) bool { return g.Name() == name })
		}
		s.miners, s.cookies, s.workers = append(s.miners, x), append(s.cookies, m.Cookie), append(s.workers, m.Worker)
	}
}

// unfitNews returns the goals that should get work, and at which no miner of the route can
// work any more.
func (s *splitRoute) unfitNews() (news []*upstream.Goal) {
	var fits, unfit uint64
	for i := range s.miners {
		fits |= s.miners[i].Fits
	}
	for i, g := range s.goals {
		if bit := uint64(1) << i; len(s.miners) > 0 && s.given[i].Wish > 0 && fits&bit == 0 {
			unfit |= bit
			if s.unfit&bit == 0 {
				news = append(news, g)
			}
		}
	}
	s.unfit = unfit
	return news
}

// book books what the goals got since the last look, by what was wished then.
func (s *splitRoute) book(worked func(*upstream.Goal) float64, now time.Time) {
	got := make([]float64, len(s.goals))
	total := 0.0
	for i, g := range s.goals {
		sum := worked(g)
		if s.booked[i] >= 0 {
			got[i] = sum - s.booked[i]
		}
		s.booked[i] = sum
		total += got[i]
	}
	s.past = slices.DeleteFunc(s.past, func(p splitPast) bool { return now.Sub(p.end) >= balance.Window })
	rate := 0.0
	for i := range s.miners {
		rate += s.miners[i].Rate
	}
	s.ledger.Book(s.given, got, rate)
	wished := balance.Wishes(s.given)
	for i := range wished {
		wished[i] *= total
	}
	s.past = append(s.past, splitPast{now, got, wished})
}

// plan returns the moves that the route needs now.
func (s *splitRoute) plan() []splitMove {
	goals := slices.Clone(s.given)
	for i := range goals {
		goals[i].Owed = s.ledger.Owed(i)
	}
	var list []splitMove
	for _, m := range balance.Plan(balance.State{Goals: goals, Miners: s.miners}) {
		s.miners[m.ID].Goal = m.To
		list = append(list, splitMove{
			Move: netloop.Move{Cookie: s.cookies[m.ID], To: s.goals[m.To]}, route: s, worker: s.workers[m.ID],
			from: s.goals[m.From].Name(), to: m.To, why: m.Why,
		})
	}
	return list
}

// rates returns the work per second of each goal's miners. Those that nothing is known of
// are ordinary ones.
func (s *splitRoute) rates() []float64 {
	rates := make([]float64, len(s.goals))
	mean := balance.MeanRate(s.miners)
	for i := range s.miners {
		rate := s.miners[i].Rate
		if rate == 0 {
			rate = mean
		}
		rates[s.miners[i].Goal] += rate
	}
	return rates
}

// steering says how newcomers are placed until the next look.
func (s *splitRoute) steering(pins map[string]string) *upstream.Steering {
	x := &upstream.Steering{Goals: make(map[string]upstream.Steer), Pins: pins}
	rates := s.rates()
	for i, g := range s.goals {
		x.Goals[g.Name()] = upstream.Steer{Wish: s.given[i].Wish, Rate: rates[i]}
	}
	return x
}

// show returns what the API and metrics say of the route.
func (s *splitRoute) show(worked func(*upstream.Goal) float64) stats.Route {
	r := stats.Route{Name: s.name, Account: s.account, Goals: make([]stats.RouteGoal, len(s.goals))}
	total, rate := 0.0, 0.0
	for _, p := range s.past {
		for _, w := range p.work {
			total += w
		}
	}
	for i := range s.miners {
		rate += s.miners[i].Rate
	}
	for i, goal := range s.goals {
		g := &r.Goals[i]
		*g = stats.RouteGoal{
			Name: goal.Name(), Up: s.given[i].Open, Wish: s.given[i].Wish, Weight: s.weights[i].Weight,
			Source: s.weights[i].Source.String(), Until: s.weights[i].Until, Work: worked(goal), Part: -1, Wished: -1,
			Moves: make(map[string]uint64), Refused: make(map[string]uint64),
		}
		if rate > 0 {
			g.Owed = s.ledger.Owed(i) / rate
		}
		if total > 0 {
			g.Part, g.Wished = 0, 0
			for _, p := range s.past {
				g.Part += p.work[i] / total
				g.Wished += p.wished[i] / total
			}
		}
		for _, why := range balance.Reasons {
			g.Moves[why.String()] = s.counts[i].moves[why]
		}
		for why, n := range s.counts[i].refused {
			if n > 0 {
				g.Refused[netloop.Moved(why).Name()] = n
			}
		}
	}
	for i := range s.miners {
		m := &s.miners[i]
		r.Goals[m.Goal].Miners++
		r.Goals[m.Goal].HashRate += m.Rate * work.HashesPerShare
		for g := range r.Goals {
			r.Goals[g].Fits += int(m.Fits >> g & 1)
		}
	}
	return r
}
