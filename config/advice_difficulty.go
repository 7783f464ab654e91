package config

import (
	"fmt"
	"math"
)

// advice returns what is allowed, and probably not meant: no power of two lies
// between the bounds, so that every miner gets the upper one as it is, and some
// firmware rounds such a difficulty or refuses it.
func (d *Difficulty) advice() (ps Problems) {
	if d.Max <= 0 || d.Min <= 0 || d.Max < d.Min {
		return nil // not both given, or refused
	}
	_, exp := math.Frexp(d.Max)
	low := math.Ldexp(1, exp-1) // the largest power of two up to max
	if low < d.Min {
		ps.add("difficulty.max", show(d.Max),
			fmt.Sprintf("no power of two lies between difficulty.min, which is %s, and this: every miner gets %s itself, and some firmware rounds that or refuses it", show(d.Min), show(d.Max)),
			fmt.Sprintf("%s, or difficulty.min = %s", show(2*low), show(low)))
	}
	return ps
}
