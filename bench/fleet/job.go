package fleet

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
	"farmproxy/bench/recent"
)

// job is a job with its arrival.
type job struct {
	mine.Job
	arrival *arrival
}

// arrival records when a piece of work reached the miners, whatever its bytes.
type arrival struct {
	key    proof.WorkKey
	miners atomic.Int64
	last   atomic.Int64 // Unix nanoseconds
}

func (a *arrival) add(now time.Time) {
	a.miners.Add(1)
	at := now.UnixNano()
	for old := a.last.Load(); at > old && !a.last.CompareAndSwap(old, at); old = a.last.Load() {
	}
}

// jobCache parses each distinct notify once: ten thousand miners get the same bytes.
type jobCache struct {
	latest atomic.Pointer[job]
	limit  atomic.Pointer[cachedLimit]

	mu       sync.Mutex
	jobs     recent.Map[string, *job]
	arrivals recent.Map[proof.WorkKey, *arrival]
}

// Bounds of the cache: jobs are needed until one has travelled to all miners, arrivals
// until the report. There is room even for a pool that gives each of 10,000 miners its
// own bytes.
const (
	cachedJobs     = 1 << 12
	cachedArrivals = 1 << 12
)

// get returns the job of a notify line.
func (c *jobCache) get(line []byte) (*job, error) {
	if j := c.latest.Load(); j != nil && bytes.Equal(j.Line, line) {
		return j, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs.Limit, c.arrivals.Limit = cachedJobs, cachedArrivals
	if j, ok := c.jobs.Get(string(line)); ok {
		return j, nil
	}
	read, key, err := mine.ReadJob(line)
	if err != nil {
		return nil, err
	}
	a, ok := c.arrivals.Get(key)
	if !ok {
		a = &arrival{key: key}
		c.arrivals.Put(key, a)
	}
	j := &job{*read, a}
	c.jobs.Put(string(j.Line), j)
	c.latest.Store(j)
	return j, nil
}

// arrived returns how many miners the work has reached, and when it reached the last
// one.
func (c *jobCache) arrived(key proof.WorkKey) (miners int, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.arrivals.Get(key)
	if !ok {
		return 0, time.Time{}
	}
	return int(a.miners.Load()), time.Unix(0, a.last.Load())
}

// limitOf returns the limit for a difficulty, computed once for all miners.
func (c *jobCache) limitOf(difficulty float64) *mine.Limit {
	if l := c.limit.Load(); l != nil && l.difficulty == difficulty {
		return &l.limit
	}
	l := &cachedLimit{difficulty, *mine.NewLimit(difficulty)}
	c.limit.Store(l)
	return &l.limit
}

// cachedLimit is the most recently requested limit.
type cachedLimit struct {
	difficulty float64
	limit      mine.Limit
}
