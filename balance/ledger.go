package balance

import "math"

// debtLimit bounds debts, in seconds of the route, for a goal that is wished the half.
// A wish that cannot be had, since too few miners fit, would else become a debt of days,
// paid all at once when they fit again. Paying this much within the Window shows as 4 %
// there; it is more than a miner that does most of the route's work, and has to be
// everywhere in turn, brings about between two of its moves.
const debtLimit = 24

// Ledger keeps what each goal of a route is owed: its part of all work, by its wish at
// the time, less what it has got. The zero value owes nothing.
type Ledger struct{ owed []float64 }

// Book books the work that each goal got since the last Book. Goals are those of that
// time, by their wishes; rate is the route's work per second, which bounds the debts.
// Goals that get nothing now are owed nothing, and their work is nobody's.
func (l *Ledger) Book(goals []Goal, work []float64, rate float64) {
	l.size(len(goals))
	wish := Wishes(goals)
	total := 0.0
	for g := range work {
		if wish[g] > 0 {
			total += work[g]
		}
	}
	excess := 0.0 // what limits have forgiven: the others divide it, so that all debts are 0 together
	room := 0.0
	for g := range l.owed {
		limit := debtLimit * scale(wish[g]) * rate
		owed := l.owed[g] + wish[g]*total - work[g]
		l.owed[g] = max(-limit, min(limit, owed))
		if wish[g] == 0 {
			continue
		}
		excess += l.owed[g]
		if l.owed[g] == owed {
			room += wish[g]
		}
	}
	for g := range l.owed {
		limit := debtLimit * scale(wish[g]) * rate
		if room > 0 && math.Abs(l.owed[g]) < limit {
			l.owed[g] = max(-limit, min(limit, l.owed[g]-excess*wish[g]/room))
		}
	}
}

// Owed returns what a goal is owed: work, above 0 if it has had too little.
func (l *Ledger) Owed(goal int) float64 {
	if goal >= len(l.owed) {
		return 0
	}
	return l.owed[goal]
}

// Follow makes the debts those of other goals: goal i's is what goal from[i] had, or
// nothing where that is below 0. The configuration has changed.
func (l *Ledger) Follow(from []int) {
	owed := make([]float64, len(from))
	for i, f := range from {
		if f >= 0 {
			owed[i] = l.Owed(f)
		}
	}
	l.owed = owed
}

// Restore makes the debts those that Owed returned, by goal.
func (l *Ledger) Restore(owed []float64) { l.owed = owed }

func (l *Ledger) size(n int) {
	for len(l.owed) < n {
		l.owed = append(l.owed, 0)
	}
	l.owed = l.owed[:n]
}

// Wishes returns the fraction of the work that each goal is wished: nothing for those
// that are not open.
func Wishes(goals []Goal) []float64 {
	sum := 0.0
	wish := make([]float64, len(goals))
	for g, goal := range goals {
		if goal.Open && goal.Wish > 0 {
			wish[g] = goal.Wish
			sum += goal.Wish
		}
	}
	for g := range wish {
		if sum > 0 {
			wish[g] /= sum
		}
	}
	return wish
}

// scale is how large a goal's tolerances are beside those of a goal that is wished the
// half: the luck of shares moves its part of the work that much.
func scale(wish float64) float64 { return 2 * math.Sqrt(wish*(1-wish)) }
