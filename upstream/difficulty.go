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

// mostDifficulty is what a higher one counts as. No miner meets either, but blocks go up all
// the same: two of 1e308 would add up to more than a float64 holds, and no answer of the API
// has a place for that.
const mostDifficulty = 1 << 100

// pricing is what a protocol knows of the pool's difficulty.
//
// A pool says it before the first job, most of the time. Where it comes after it,
// miners would be at difficulty 1 until the next job, and the pool would refuse
// nearly all of their shares: so the first job waits for it.
//
// It is said to hold for the jobs that follow. Some pools hold shares for older jobs to
// it too: that is known once they have refused one that met its own job's
// difficulty, but not the new one. Such shares are counted here then, and not sent.
type pricing struct {
	difficulty float64              // what the next job has
	told       bool                 // by the pool, on this link
	atOnce     bool                 // the pool holds shares for older jobs to a raised one
	unpriced   *codec.Notify        // the first job, which waits; nil: none
	doubted    map[string]time.Time // when it was last said that a difficulty makes no sense, by why
}

// hold keeps the first job until its difficulty is known; false: it is.
func (p *protocol) hold(n *codec.Notify) bool {
	if p.told || p.job != nil {
		return false
	}
	if p.unpriced != nil {
		n.Clean = n.Clean || p.unpriced.Clean
	}
	p.unpriced = n
	return true
}

// setDifficulty holds for the jobs that follow; miners must not be given more
// from now on.
func (p *protocol) setDifficulty(d float64) error {
	if p.doubt(d) {
		return nil
	}
	p.told = true
	p.book.Difficulty.Store(d)
	if p.lane != nil || !p.pool.book.Active.Load() {
		p.pool.book.Difficulty.Store(d)
	}
	p.difficulty = min(d, mostDifficulty)
	p.pool.lastDifficulty(p.difficulty)
	if p.unpriced != nil {
		return p.price()
	}
	p.republish()
	return nil
}

// price lets the first job go, at the difficulty that is known.
func (p *protocol) price() error {
	n := p.unpriced
	p.told, p.unpriced = true, nil
	return p.newJob(n)
}

// assume gives the first job the difficulty that the pool had before, since it says none.
func (p *protocol) assume() error {
	if d := p.pool.lastDifficulty(0); d > 0 {
		p.difficulty = d
		p.book.Difficulty.Store(d)
	}
	return p.price()
}

// raised reports that a share was refused for a difficulty that was raised after its
// job had come: that is neither the miner's fault nor the pool's illness. From the first
// on, the pool is sent no others.
func (p *protocol) raised(s *Share, v work.Verdict) bool {
	if v != work.LowDifficulty || p.job == nil || s.Job.Epoch != p.job.Epoch || s.Job.Difficulty >= p.difficulty {
		return false
	}
	if !p.atOnce {
		p.atOnce = true
		p.log.Info("the pool applies a raised difficulty at once, not from the next job on: farmproxy accepts the shares below it itself", "difficulty", p.difficulty, "before", s.Job.Difficulty)
	}
	return true
}

// least returns the least difficulty at which the pool takes shares for any job; 0:
// each job has its own.
func (p *protocol) least() float64 {
	if p.atOnce {
		return p.difficulty
	}
	return 0
}

// lastDifficulty returns the difficulty that the pool had last told on any link of
// the goal, and keeps d in its stead unless that is 0.
func (p *pool) lastDifficulty(d float64) (last float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last = p.difficulty
	if d > 0 {
		p.difficulty = d
	}
	return last
}
