package balance

import (
	"math"
	"slices"
	"time"
)

// route is a State as Plan thinks of it: those who must move have moved.
type route struct {
	goals   []Goal
	wish    []float64 // fractions; 0: nobody is to work there
	miners  []Miner   // that may be moved, where they are after moves
	moves   []Move    // those that must be
	rate    float64   // work per second of all miners at goals that get something
	luck    float64   // the variance that shares add to the route's work per second, in seconds of it
	horizon float64   // seconds
	load    []float64 // work per second
	gap     []float64 // what a goal will be owed at the horizon if nobody else moves
	band    []float64 // the gap that is tolerated
}

// newRoute returns nil where there is nothing to decide: no goal gets anything.
func newRoute(s State) *route {
	n := len(s.Goals)
	r := &route{goals: s.Goals, wish: Wishes(s.Goals), load: make([]float64, n), gap: make([]float64, n), band: make([]float64, n)}
	if n == 0 || slices.Max(r.wish) == 0 {
		return nil
	}
	leavers := r.place(s.Miners)
	if r.rate == 0 {
		return nil
	}
	r.luck /= r.rate * r.rate
	r.horizon = max(shortest, min(longest, 4*lucky*lucky/r.luck))
	tolerated := band + bandOfLuck*math.Sqrt(r.luck*r.horizon/4)
	for g := range r.gap {
		r.band[g] = tolerated * scale(r.wish[g]) * r.rate
		r.gap[g] = r.at(g, r.horizon)
	}
	for _, m := range leavers {
		r.leave(m)
	}
	return r
}

// place counts the miners where they are, or where they are pinned, and returns those
// that have to leave, the largest first.
func (r *route) place(miners []Miner) (leavers []Miner) {
	mean := MeanRate(miners)
	for _, m := range miners {
		known := m.known()
		if !known {
			m.Rate = mean
		}
		pinned := m.Pinned >= 0 && m.Pinned < len(r.goals) && r.goals[m.Pinned].Open && m.fits(m.Pinned)
		if pinned && m.Pinned != m.Goal && !m.Fixed {
			r.moves = append(r.moves, Move{m.ID, m.Goal, m.Pinned, Pinned})
			m.Goal = m.Pinned
		}
		leaves := r.wish[m.Goal] == 0
		if leaves && (pinned || m.Fixed || r.best(&m) < 0) {
			continue // it works outside of the balance
		}
		r.rate += m.Rate
		r.luck += m.Rate * m.share()
		if leaves {
			leavers = append(leavers, m)
			continue
		}
		r.load[m.Goal] += m.Rate
		if known && !pinned && !m.Fixed {
			r.miners = append(r.miners, m)
		}
	}
	slices.SortFunc(leavers, func(a, b Miner) int { return larger(&a, &b) })
	return leavers
}

// leave moves a miner from a goal where nobody is to work.
func (r *route) leave(m Miner) {
	to := r.best(&m)
	r.moves = append(r.moves, Move{m.ID, m.Goal, to, Closed})
	r.load[to] += m.Rate
	r.gap[to] -= m.Rate * r.horizon
}

// best returns the goal with the largest gap that a miner fits; below 0: none.
func (r *route) best(m *Miner) int {
	best := -1
	for g, wish := range r.wish {
		if wish > 0 && m.fits(g) && (best < 0 || r.gap[g] > r.gap[best]) {
			best = g
		}
	}
	return best
}

// at returns what a goal will be owed so many seconds from now if nobody else moves.
func (r *route) at(goal int, seconds float64) float64 {
	if r.wish[goal] == 0 {
		return 0
	}
	return r.goals[goal].Owed + (r.wish[goal]*r.rate-r.load[goal])*seconds
}

// shift notes that work of that rate goes from one goal to another.
func (r *route) shift(from, to int, rate float64) {
	r.load[from] -= rate
	r.load[to] += rate
	r.gap[from] += rate * r.horizon
	r.gap[to] -= rate * r.horizon
}

// shared reports that a goal's part is more than nothing and less than all.
func (r *route) shared(goal int) bool { return r.wish[goal] > 0 && r.wish[goal] < 1 }

// worst returns the largest gap, in bands.
func (r *route) worst() (worst float64) {
	for g, gap := range r.gap {
		if r.shared(g) {
			worst = max(worst, math.Abs(gap)/r.band[g])
		}
	}
	return worst
}

// any reports that some goal's debt, so many seconds from now, is beyond a limit.
func (r *route) any(seconds, limit float64) bool {
	for g := range r.goals {
		if r.shared(g) && math.Abs(r.at(g, seconds)) > limit*scale(r.wish[g])*r.rate {
			return true
		}
	}
	return false
}

// need reports that a debt will be urgent.
func (r *route) need() bool { return r.any(ahead, urgent) }

// hopeless reports that a debt is about as large as it may become.
func (r *route) hopeless() bool { return r.any(0, hopeless*debtLimit) }

// hurry has debts paid as fast as may be, and only what is urgent of them.
func (r *route) hurry() {
	r.horizon = shortest
	for g := range r.gap {
		r.band[g] = urgent * scale(r.wish[g]) * r.rate
		r.gap[g] = r.at(g, r.horizon)
	}
}

// rested reports that a miner has been where it is for that long.
func (m *Miner) rested(long time.Duration) bool { return m.Rested >= long }

// share returns the work of one of the miner's shares, about.
func (m *Miner) share() float64 {
	const usual = 10 // seconds: 6 shares per minute, the configuration's default
	if m.Share > 0 && !math.IsInf(m.Share, 1) {
		return m.Share
	}
	return m.Rate * usual
}

// MeanRate returns that of the miners whose rate is known; 1 where none is.
func MeanRate(miners []Miner) float64 {
	sum, n := 0.0, 0
	for i := range miners {
		if miners[i].known() {
			sum += miners[i].Rate
			n++
		}
	}
	if n == 0 {
		return 1
	}
	return sum / float64(n)
}
