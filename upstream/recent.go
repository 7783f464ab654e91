package upstream

import (
	"sync"

	"farmproxy/work"
)

// maxRecent is how many of a lane's last jobs are kept: as many as an event loop shows
// its miners.
const maxRecent = 16

// recent is the jobs that were last published on a lane. An event loop that has its first
// miner there starts from it, so that it does not matter when a loop first heard of the lane:
// not even whether it was another process's loop.
type recent struct {
	mu   sync.Mutex
	jobs [maxRecent]Recent // the oldest first
	n    int
}

// Recent is a job that was published.
type Recent struct {
	Job   *work.Job
	Clean bool // miners were to drop what they worked on
}

// note adds a job, unless it was the last one already.
func (r *recent) note(job *work.Job, clean bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case job == nil:
		return
	case r.n > 0 && r.jobs[r.n-1].Job == job:
		return
	case r.n == maxRecent:
		copy(r.jobs[:], r.jobs[1:])
		r.n--
	}
	r.jobs[r.n] = Recent{job, clean}
	r.n++
}

// precede puts older jobs before those that are there, as many as there is room for.
func (r *recent) precede(older []Recent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := append(older, r.jobs[:r.n]...)
	all = all[max(0, len(all)-maxRecent):]
	r.n = copy(r.jobs[:], all)
}

// Recent appends to dst the jobs that were last published, the oldest first. Any goroutine.
func (l *Lane) Recent(dst []Recent) []Recent {
	l.recent.mu.Lock()
	defer l.recent.mu.Unlock()
	return append(dst, l.recent.jobs[:l.recent.n]...)
}
