package upstream

import (
	"fmt"
	"testing"
)

// sizes is a downstream that records how many verdicts come at a time.
type sizes struct {
	*farm
	list []int
}

func (s *sizes) Verdicts(list []Verdict) { s.list = append(s.list, len(list)) }

func TestSharesAreLostManyAtATime(t *testing.T) {
	got := new(sizes)
	d := NewDirectory(DirectoryOptions{}, got)
	d.Set(kept(at("a", "farm")))
	l := newLane(d.goal(""), Prefix{Len: 2}, 0)
	l.taken(2*maxBatch + 1)
	l.lose(make([]Share, 2*maxBatch+1))
	l.lose(nil)
	equal(t, "verdicts at a time", fmt.Sprint(got.list), fmt.Sprint([]int{maxBatch, maxBatch, 1}))
	equal(t, "shares without a verdict", d.pending.Load(), 0)
}
