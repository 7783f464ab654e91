package history

import (
	"testing"
	"time"

	"farmproxy/work"
)

// What a group usually hashes is the median of its last three days: neither an outage nor
// an hour of more is usual, and a few hours tell nothing.
func TestUsualTotals(t *testing.T) {
	s := open(t, file(t))
	hall := Key{Group, "hall"}
	hour := func(at time.Time, work float64, seconds uint64) {
		minute(t, s, at, Entry{hall, Sample{work, 1, 0, seconds, seconds}})
	}
	usual := func(now time.Time) float64 {
		t.Helper()
		all, err := s.UsualTotals(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		return all[hall] / work.HashesPerShare * 3600
	}
	at := noon
	step := func(n int, work float64, seconds uint64) {
		for range n {
			hour(at, work, seconds)
			at = at.Add(time.Hour)
		}
	}
	step(5, 100, 3600)
	if got := usual(at); got != 0 {
		t.Errorf("after 5 hours %v is usual, want nothing", got)
	}
	step(1, 100, 3600)
	step(1, 900, 60) // of which a minute was watched
	if got := usual(at); got != 100 {
		t.Errorf("%v is usual, want 100", got)
	}
	step(1, 5000, 3600)
	step(6, 0, 3600)
	if got := usual(at); got != 100 {
		t.Errorf("after an outage %v is usual, want 100", got)
	}
	step(70, 40, 3600)
	if got := usual(at); got != 40 {
		t.Errorf("after three days with fewer miners %v is usual, want 40", got)
	}
}
