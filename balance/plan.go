package balance

import "time"

// Window is the time over which a split is kept.
const Window = 10 * time.Minute

// The rule's constants. Debts are in seconds of the route, for a goal that is wished the
// half; docs/splits.md says how they follow from one another.
const (
	// Rest is how long a miner stays where it is without need: a move costs it a clean
	// job, and pools show its hash rate over minutes.
	Rest = 3 * time.Minute

	// ShortRest is how long it stays where the balance needs it elsewhere: a miner that
	// does most of the route's work must be everywhere in turn.
	ShortRest = 30 * time.Second

	// A debt is to be paid within the horizon. The longer, the fewer miners need to be
	// moved, and moved back. It is the time in which the luck of the shares makes a debt
	// of luck, within these bounds.
	longest, shortest = float64(Window / time.Second), 45
	lucky             = 4

	// Nobody is moved while no goal's gap is beyond its band: band and bandOfLuck times
	// the luck of a horizon. It is 0.5 % of a window's work; two debts at its
	// opposite ends are 1 % of what a window shows.
	band       = 3
	bandOfLuck = 0.5

	// Moves bring the gaps within settled of the band, not to nothing: that takes fewer.
	settled = 0.7

	// worthwhile is how much of the worst gap must go for a set of moves that does not
	// bring all within the band: when only a miner that has not rested can do it, small
	// ones are not moved about meanwhile.
	worthwhile = 0.5

	// A debt that will be beyond urgent at the next look, ahead seconds from now, is
	// a need. Miners that have had the ShortRest then move too, each that takes at least
	// step of the worst gap, until all are within settling of urgent. Where none does, a
	// farm of small miners, many move if that brings all within settled of the band.
	urgent   = 9
	ahead    = 20
	step     = 0.2
	settling = 0.5

	// hopeless is the part of the debtLimit from which any move that helps at all is
	// made: what is wished cannot be had, and as near as can be is the best.
	hopeless = 0.95
)

// Plan returns the moves that bring each goal nearest to its wish, as few as possible.
// No miner is in two of them. Miners leave goals that are closed, or get nothing, at
// once, if they fit anywhere else; so they go to where they are pinned. The others
// move only when a debt calls for it.
func Plan(s State) []Move {
	r := newRoute(s)
	if r == nil {
		return nil
	}
	before, need := r.worst(), r.need()
	if before <= 1 && !need {
		return r.moves
	}
	calm, after := r.pick(Rest, settled, 0)
	if after <= max(settled, worthwhile*before) {
		return append(r.moves, calm...)
	}
	if need {
		if moves := r.needed(); len(moves) > 0 {
			return append(r.moves, moves...)
		}
	}
	if r.hopeless() {
		return append(r.moves, calm...)
	}
	return r.moves
}

// needed returns moves where the miners that have rested are not enough: of few large
// ones, or, where none is large enough, of as many as settle everything.
func (r *route) needed() []Move {
	many, left := r.pick(ShortRest, settled, 0)
	r.hurry()
	before := r.worst()
	if few, after := r.pick(ShortRest, settling, step); after < before {
		return few
	}
	if left <= settled {
		return many
	}
	return nil
}
