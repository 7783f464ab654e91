package session

import (
	"math/big"
	"testing"

	"farmproxy/work"
)

// hashOf returns the largest hash of that difficulty, as a header has it.
func hashOf(difficulty int64) (hash [32]byte) {
	target := new(big.Int).Lsh(big.NewInt(0xffff), 208)
	target.Div(target, big.NewInt(difficulty)).FillBytes(hash[:])
	for i := range 16 {
		hash[i], hash[31-i] = hash[31-i], hash[i]
	}
	return hash
}

// A share is judged by the miner's difficulty and by the pool's, to the last bit: half
// is not enough, and neither is slightly less.
func TestJudgeAtTheEdge(t *testing.T) {
	for _, c := range []struct {
		name        string
		miner, pool float64
		own         float64 // the pool's for this miner alone; 0 none
		met         int64
		want        string
	}{
		{"half of the miner's", 1000, 3000, 0, 500, "low_difficulty"},
		{"just below the miner's", 1000, 3000, 0, 999, "low_difficulty"},
		{"the miner's", 1000, 3000, 0, 1000, "accepted"},
		{"half of the pool's", 1000, 3000, 0, 1500, "accepted"},
		{"just below the pool's", 1000, 3000, 0, 2999, "accepted"},
		{"the pool's", 1000, 3000, 0, 3000, "forward"},
		{"above the pool's", 1000, 3000, 0, 6001, "forward"},
		{"the miner has the pool's, half of it", 3000, 3000, 0, 1500, "low_difficulty"},
		{"the miner has the pool's, just below", 3000, 3000, 0, 2999, "low_difficulty"},
		{"the miner has the pool's, the same", 3000, 3000, 0, 3000, "forward"},
		{"just below the pool's for this miner", 1024, 3000, 2048, 2047, "accepted"},
		{"the pool's for this miner", 1024, 3000, 2048, 2048, "forward"},
	} {
		job := &work.Job{ID: 1, Algorithm: work.SHA256d, Difficulty: c.pool, Network: 1e15}
		if c.own != 0 {
			job.Own = new(work.Difficulties).With(11, []uint16{7})
		}
		feed := new(Feed)
		feed.Post(job, false, 0, c.pool)
		s := Session{state: State{prefix: [2]byte{0, 7}, prefixLen: 2}}
		s.remember(1, c.miner)
		e := &Env{Feed: feed, Terms: &Terms{Difficulty: Policy{SharesPerMinute: 6}}}
		effect := s.judge(e, &Candidate{Job: job, Hash: hashOf(c.met)}, maxSlots)
		got := effect.Verdict.String()
		if effect.Kind == Forward {
			got = "forward"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A block goes to the pool, and only a real one counts as a block.
func TestABlockAtTheEdge(t *testing.T) {
	job := &work.Job{ID: 1, Algorithm: work.SHA256d, Difficulty: 1e6, Network: 1e6}
	feed := new(Feed)
	feed.Post(job, false, 0, 1e6)
	for met, want := range map[int64]EffectKind{1e6 - 1: Judged, 1e6: Forward} {
		var s Session
		s.remember(1, 1e6)
		e := &Env{Feed: feed, Terms: &Terms{Difficulty: Policy{SharesPerMinute: 6}}}
		if effect := s.judge(e, &Candidate{Job: job, Hash: hashOf(met)}, maxSlots); effect.Kind != want || want == Forward && !effect.Candidate.Block {
			t.Errorf("difficulty %d: effect %d, want %d", met, effect.Kind, want)
		}
	}
}
