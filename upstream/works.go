package upstream

import (
	"sync"

	"farmproxy/work"
)

// maxWorks is how many works of a lane are remembered: twice as many as an event loop
// keeps jobs.
const maxWorks = 32

// works numbers the works of a lane. Pools resend the same work under another job id:
// with another difficulty, as clean, after a resumed session. The same headers answer
// it, so anyone who remembers headers must know.
//
// Any goroutine may use it: links that do not serve the lane yet have jobs too.
type works struct {
	mu    sync.Mutex
	last  uint32 // number
	uses  uint64
	known []knownWork
}

type knownWork struct {
	digest uint64
	number uint32
	used   uint64 // works.uses when it was last sent
}

// number returns the number of a job's work: that of an earlier job of the lane with
// the same work, or a new one.
func (w *works) number(job *work.Job) uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	digest := job.Digest()
	w.uses++
	oldest := 0
	for i := range w.known {
		if w.known[i].digest == digest {
			w.known[i].used = w.uses
			return w.known[i].number
		}
		if w.known[i].used < w.known[oldest].used {
			oldest = i
		}
	}
	w.last++
	next := knownWork{digest, w.last, w.uses}
	if len(w.known) < maxWorks {
		w.known = append(w.known, next)
	} else {
		w.known[oldest] = next
	}
	return w.last
}
