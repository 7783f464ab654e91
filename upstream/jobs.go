package upstream

import (
	"sync/atomic"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// jobs numbers the jobs of the process: miners know them by that.
var jobs atomic.Uint32

// jobState is what a protocol knows of its pool's jobs.
type jobState struct {
	reached bool          // the pool has answered subscribe: what fails from now on is the user's own
	job     *work.Job     // the last one
	early   *codec.Notify // came before the extranonce1 did
}

// newJob builds the job of a notify and offers it.
func (p *protocol) newJob(n *codec.Notify) error {
	e := p.link.epoch.Load()
	if e == nil {
		p.early = n
		return nil
	}
	if p.hold(n) {
		return nil
	}
	own, err := p.dialect.job(n)
	if err != nil {
		return p.garbled(err)
	}
	if next := p.following; next != nil {
		p.following = nil
		if p.lane != nil {
			if p.epochs.another(p.now) {
				p.log.Warn("the pool keeps changing its extranonce, and each change makes the miners' current work worthless; try another pool, or another port of this one", "changes_in_a_minute", p.epochs.n)
			}
			p.lane.replace(p.link, next)
		} else {
			p.link.epoch.Store(next)
		}
		e = next
	}
	// Not every pool calls a new block clean, but it always is.
	n.Clean = n.Clean || e.block != [32]byte{} && e.block != n.PrevHash
	e.block = n.PrevHash
	p.news(n)
	first := p.job == nil && e != p.resume || p.job != nil && p.job.Epoch != e.id
	if before := p.offered.mask; p.maskSaid {
		if p.offered.follow(p.mask, p.now); p.offered.mask != before {
			p.learn(e.size)
		}
	}
	p.job = makeJob(n, e, p.difficulty, own, p.offered.mask, p.now)
	if p.lane != nil {
		p.job.Work = p.lane.works.number(p.job)
	}
	p.health.notify.Store(int64(p.now.Sub(p.started)))
	p.book.LastNotify.Store(p.now.UnixNano())
	p.book.Jobs.Add(1)
	if n.Clean {
		p.book.CleanJobs.Add(1)
	}
	p.offer(n.Clean || first)
	return nil
}

// news tells the books what a job says of the pool's blocks. A link's first job is none:
// nobody knows when the pool had it.
func (p *protocol) news(n *codec.Notify) {
	book, empty := p.goal.directory.book, len(n.Branches) == 0
	if p.job != nil && p.job.PrevHash != n.PrevHash {
		book.NewBlock(p.pool.book, n.PrevHash, empty, p.now)
	}
	if !empty && p.pool.book.Empty() {
		book.Filled(p.pool.book, p.now)
	}
}

// makeJob folds a notify into an epoch.
func makeJob(n *codec.Notify, e *epoch, difficulty float64, own *work.Difficulties, mask uint32, now time.Time) *work.Job {
	job := newJob(jobs.Add(1), n, e.extranonce1, e.layout, e.pool.algorithm)
	job.Epoch = e.id
	job.Received = now
	job.Difficulty, job.Own = difficulty, own
	job.Mask = mask
	return job
}

// newJob makes of a notify a job that miners know by id.
func newJob(id uint32, n *codec.Notify, extranonce1 []byte, layout work.Layout, algorithm *work.Algorithm) *work.Job {
	job := work.NewJob(n.Template, extranonce1, layout)
	job.ID, job.PoolID, job.Clean = id, n.JobID, n.Clean
	if algorithm != nil {
		job.Algorithm = algorithm
		job.Network = algorithm.NetworkDifficulty(n.NBits)
	}
	job.Line = codec.NewNotifyLine(id, &n.Template, layout.Fold(extranonce1))
	return job
}

// republish offers the last job with what has changed besides.
func (p *protocol) republish() {
	if p.job != nil {
		p.offer(false)
	}
}

// offer hands the last job, or a changed mask or difficulty, to the lane.
func (p *protocol) offer(clean bool) {
	if p.lane == nil {
		return
	}
	p.lane.offer(p.link, Post{
		Lane: p.lane, Job: p.job, Pool: p.pool.Name, Clean: clean,
		Mask: p.offered.mask, Difficulty: p.difficulty, Least: p.least(),
	})
}
