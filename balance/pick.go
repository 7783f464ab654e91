package balance

import (
	"cmp"
	"slices"
	"time"
)

// choice is a miner that may be moved, and what that would gain.
type choice struct {
	place    int // in the list of those that may be moved from the goal
	from, to int
	gain     float64
}

// pick returns moves of miners that have rested that long, until the worst gap is down
// to a part of its band, and the worst gap then. A move must take a part of the worst
// gap, step. The route stays as it is.
func (r *route) pick(rest time.Duration, enough, step float64) (moves []Move, worst float64) {
	load, gap := slices.Clone(r.load), slices.Clone(r.gap)
	defer func() { r.load, r.gap = load, gap }()
	lists := make([][]*Miner, len(r.goals))
	for i := range r.miners {
		if m := &r.miners[i]; m.rested(rest) {
			lists[m.Goal] = append(lists[m.Goal], m)
		}
	}
	for _, list := range lists {
		slices.SortFunc(list, larger)
	}
	for worst = r.worst(); worst > enough; {
		c := r.choose(lists)
		if c.gain <= 0 {
			break
		}
		m := lists[c.from][c.place]
		r.shift(c.from, c.to, m.Rate)
		after := r.worst()
		if step > 0 && after > worst*(1-step) {
			break
		}
		worst = after
		lists[c.from] = slices.Delete(lists[c.from], c.place, c.place+1)
		moves = append(moves, Move{m.ID, c.from, c.to, Balance})
	}
	return moves, worst
}

// choose returns the move that takes most of the gaps' squares.
func (r *route) choose(lists [][]*Miner) (best choice) {
	for from, list := range lists {
		for to := range r.goals {
			between := r.gap[to] - r.gap[from]
			if to == from || r.wish[to] == 0 || between <= 0 {
				continue
			}
			// A miner that brings about the work w until the horizon takes
			// 2w(between-w) of the squares: most where w is half of what is between.
			gain := func(place int) float64 {
				w := list[place].Rate * r.horizon
				return w * (between - w)
			}
			middle, _ := slices.BinarySearchFunc(list, between/2/r.horizon, func(m *Miner, rate float64) int {
				if m.Rate > rate {
					return -1
				}
				return 1
			})
			for _, place := range []int{nextFit(list, to, middle, 1), nextFit(list, to, middle-1, -1)} {
				if place >= 0 && gain(place) > best.gain {
					best = choice{place, from, to, gain(place)}
				}
			}
		}
	}
	return best
}

// larger puts larger miners before smaller ones.
func larger(a, b *Miner) int {
	return cmp.Or(cmp.Compare(b.Rate, a.Rate), cmp.Compare(a.ID, b.ID))
}

// nextFit returns the place of the next miner that fits a goal, from a place on and in
// steps of 1 or -1; below 0: there is none.
func nextFit(list []*Miner, goal, place, step int) int {
	for ; place >= 0 && place < len(list); place += step {
		if list[place].fits(goal) {
			return place
		}
	}
	return -1
}
