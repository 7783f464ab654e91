package history

import (
	"slices"
	"testing"
	"time"
)

// What the books have from before anybody looked is not counted as a minute's work.
func TestSkip(t *testing.T) {
	r, now := NewRecorder(nil), time.Now()
	look := func(accepted uint64) (n uint64) {
		b := r.Look(now, slices.Values([]*Seen{{Name: "rig", Miners: 1, Accepted: accepted, Work: float64(accepted)}}), nil)
		for _, e := range b.Samples {
			if e.Kind == Farm {
				n += e.Accepted
			}
		}
		now = now.Add(time.Minute)
		return n
	}
	r.Skip()
	if got := []uint64{look(1_000_000), look(1_000_003)}; !slices.Equal(got, []uint64{0, 3}) {
		t.Errorf("accepted shares: %v, want 0 and 3", got)
	}
}
