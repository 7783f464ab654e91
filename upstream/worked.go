package upstream

import (
	"math"
	"sync/atomic"

	"farmproxy/work"
)

// total is a sum that any goroutine may add to.
type total struct{ bits atomic.Uint64 }

func (t *total) add(v float64) {
	for v != 0 {
		old := t.bits.Load()
		if t.bits.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

func (t *total) sum() float64 { return math.Float64frombits(t.bits.Load()) }

// Work returns the work of all accepted shares whose jobs came from the goal, in shares of
// difficulty 1: those that its pools have accepted, and those that were accepted here. It
// only grows; the next process goes on with it.
func (g *Goal) Work() float64 { return g.worked.sum() }

// credit adds the work of the accepted shares among verdicts.
func (g *Goal) credit(list []Verdict) {
	var sum float64
	for i := range list {
		if list[i].Verdict == work.Accepted {
			sum += list[i].Work
		}
	}
	g.worked.add(sum)
}
