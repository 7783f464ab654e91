package session

import (
	"testing"
	"unsafe"

	"farmproxy/work"
)

// If the pool applies its new difficulty to shares for older jobs, shares below it are
// accepted here and not forwarded. The share meets 1419, its job has 1000.
func TestTheLeastThatThePoolTakes(t *testing.T) {
	for _, c := range []struct {
		name  string
		least float64
		epoch uint64 // of the job after it
		want  EffectKind
	}{
		{"none", 0, 1, Forward},
		{"met", 1419, 1, Forward},
		{"not met", 1420, 1, Judged},
		{"another pool session's", 1420, 2, Forward},
	} {
		feed := new(Feed)
		job := &work.Job{ID: 1, Epoch: 1, Algorithm: work.SHA256d, Difficulty: 1000, Network: 1e15}
		feed.Post(job, false, 0, 1000)
		feed.Post(&work.Job{ID: 2, Epoch: c.epoch, Algorithm: work.SHA256d, Difficulty: 5000, Network: 1e15}, false, 0, 5000)
		feed.Least = c.least
		s := Session{state: State{prefix: [2]byte{0, 7}, prefixLen: 2}}
		s.remember(1, 512)
		e := &Env{Feed: feed, Terms: &Terms{Difficulty: Policy{SharesPerMinute: 6}}}
		if effect := s.judge(e, &Candidate{Job: job, Hash: hashOf(1419)}, maxSlots); effect.Kind != c.want || effect.Verdict != work.Accepted {
			t.Errorf("%s: effect %d, %v", c.name, effect.Kind, effect.Verdict)
		}
	}
}

// A candidate is copied into the gathered list: two cache lines.
func TestACandidateIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Candidate{}); size != 128 {
		t.Errorf("%d bytes, want 128", size)
	}
}
