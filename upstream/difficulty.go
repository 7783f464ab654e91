package upstream

import (
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// difficultyTimeout is how long the first job of a link waits for the first
// mining.set_difficulty: it comes with the job, before it or after it, a round trip
// later at most.
const difficultyTimeout = time.Second

// pricing is what a link's reader knows of the pool's difficulty.
//
// A pool says it before the first job, most of the time. Where it comes after it,
// miners would be at difficulty 1 until the next job, and the pool would refuse
// nearly all of their shares: so the first job waits for it.
//
// It is said to hold for the jobs that follow. Some pools hold shares for older jobs to
// it too: that is known once they have refused one that met its own job's
// difficulty, but not the new one. Such shares are counted here then, and not sent.
type pricing struct {
	difficulty float64       // what the next job has
	told       bool          // by the pool, on this link
	atOnce     bool          // the pool holds shares for older jobs to a raised one
	unpriced   *codec.Notify // the first job, which waits; nil: none
}

// hold keeps the first job until its difficulty is known; false: it is.
func (k *link) hold(n *codec.Notify) bool {
	if k.told || k.job != nil {
		return false
	}
	if k.unpriced != nil {
		n.Clean = n.Clean || k.unpriced.Clean
	}
	k.unpriced = n
	return true
}

// setDifficulty holds for the jobs that follow; miners must not be given more
// from now on.
func (k *link) setDifficulty(d float64) error {
	if k.doubt(d) {
		return nil
	}
	k.told = true
	k.difficulty = d
	k.book.Difficulty.Store(d)
	k.pool.lastDifficulty(d)
	if k.unpriced != nil {
		return k.price()
	}
	k.republish()
	return nil
}

// price lets the first job go, at the difficulty that is known.
func (k *link) price() error {
	n := k.unpriced
	k.told, k.unpriced = true, nil
	return k.newJob(n)
}

// assume gives the first job the difficulty that the pool had before, since it says none.
func (k *link) assume() error {
	if d := k.pool.lastDifficulty(0); d > 0 {
		k.difficulty = d
		k.book.Difficulty.Store(d)
	}
	return k.price()
}

// raised reports that a share was refused for a difficulty that was raised after its
// job had come: that is neither the miner's fault nor the pool's illness. From the first
// on, the pool is sent no others.
func (k *link) raised(s *Share, v work.Verdict) bool {
	if v != work.LowDifficulty || k.job == nil || s.Job.Epoch != k.job.Epoch || s.Job.Difficulty >= k.difficulty {
		return false
	}
	if !k.atOnce {
		k.atOnce = true
		k.log.Info("the pool holds shares to a raised difficulty at once, not from the next job on: those below it are counted here", "difficulty", k.difficulty, "before", s.Job.Difficulty)
	}
	return true
}

// least returns the least difficulty at which the pool takes shares for any job; 0:
// each job has its own.
func (k *link) least() float64 {
	if k.atOnce {
		return k.difficulty
	}
	return 0
}

// lastDifficulty returns the difficulty that the pool had last told on any link of
// the route, and keeps d in its stead unless that is 0.
func (p *pool) lastDifficulty(d float64) (last float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last = p.difficulty
	if d > 0 {
		p.difficulty = d
	}
	return last
}
