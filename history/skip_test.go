package history

import (
	"slices"
	"testing"
	"time"
)

// What the books have from before anybody looked is not counted as a minute's work.
func TestSkip(t *testing.T) {
	r, now := NewRecorder(nil), time.Now()
	look := func(accepted uint64) (farm, pool uint64) {
		books := SeenPool{Name: "a", Books: PoolBooks{Accepted: accepted, Work: float64(accepted)}}
		b := r.Look(now, slices.Values([]*Seen{{Name: "rig", Pool: "a", Miners: 1, Accepted: accepted, Work: float64(accepted)}}), []SeenPool{books})
		for _, e := range b.Samples {
			switch e.Kind {
			case Farm:
				farm += e.Accepted
			case Pool:
				pool += e.Accepted
			}
		}
		now = now.Add(time.Minute)
		return farm, pool
	}
	r.Skip()
	for i, want := range []uint64{0, 3} {
		if farm, pool := look(1_000_000 + 3*uint64(i)); farm != want || pool != want {
			t.Errorf("look %d: %d accepted shares of the farm and %d of its pool, want %d", i, farm, pool, want)
		}
	}
}
