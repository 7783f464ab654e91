package session

import (
	"time"

	"farmproxy/work"
)

// maxFeedJobs is how many jobs a feed keeps. Pools send one every 30 to 60 s, ASICs
// finish what they have within seconds: 16 cover every pool seen so far, plus a second
// epoch.
const maxFeedJobs = 16

// Feed is what one event loop shows its miners of their lane: the jobs that may still
// be answered, and what the pool allows now. All miners of the lane on that loop share
// it; only that loop touches it.
type Feed struct {
	Mask       uint32  // version bits that may be rolled now
	Difficulty float64 // the pool's, now; 0 before the first post
	Least      float64 // the pool takes no share below it for a job of its epoch; 0: each job has its own
	Direct     bool    // miners get the pool's difficulty unchanged: the link serves a single miner
	Lane       uint32  // the lane's id: unique, and the same on all loops

	jobs  [maxFeedJobs]*work.Job
	stale [maxFeedJobs]bool
	times [maxFeedJobs]uint32 // the latest ntime that each job was sent with
	next  int                 // index in the ring of the next job
	last  *work.Job           // nil: none yet
	onNew bool                // last builds on another block than the job before it
	ntime uint32              // of last as sent now: the job's own, or later if miners have had that work

	// lines are the notify of last as miners get it, by extranonce2 size and
	// clean_jobs. Each is built when the first miner needs it, and shared by all.
	lines [work.MaxExtranonce2 + 1][2][]byte
}

// Job returns the job for newcomers; nil: none yet.
func (f *Feed) Job() *work.Job { return f.last }

// least returns the lowest difficulty at which the pool takes a miner's share for a
// job.
func (f *Feed) least(job *work.Job, prefix uint16) float64 {
	d := job.DifficultyFor(prefix)
	if f.Least > d && f.last.Epoch == job.Epoch {
		return f.Least
	}
	return d
}

// rollable returns the version bits that may be rolled in the last job, or the pool's
// mask if there is none yet.
func (f *Feed) rollable() uint32 {
	if f.last == nil {
		return f.Mask
	}
	return rollable(f.Mask, f.last)
}

// rollable returns the bits of mask that are free in a job: bits set in its version
// belong to the pool. Miners and pools apply version bits in three ways (replace those
// of the mask, OR them in, flip them), which agree only if the job has none of them
// set. BIP 310 means the first, ckpool and ESP-Miner do the second, btcpool and
// public-pool the third.
func rollable(mask uint32, job *work.Job) uint32 { return mask &^ job.Version }

// Post takes what the pool offers now. job may be the last one again, or nil, when
// only the mask or the difficulty changed; Post reports whether job was new. clean
// makes older jobs of its epoch stale if they build on another block: some pools send
// the same work again as clean, and still take shares for the old id (public-pool at
// each change of difficulty). Jobs of other epochs are left to the lane, which knows
// whether their link is still draining.
func (f *Feed) Post(job *work.Job, clean bool, mask uint32, difficulty float64) (isNew bool) {
	f.Mask, f.Difficulty = mask, difficulty
	if job == nil || f.last != nil && job.ID <= f.last.ID {
		return false
	}
	if clean {
		for i, old := range f.jobs {
			if old != nil && old.Epoch == job.Epoch && old.PrevHash != job.PrevHash {
				f.stale[i] = true
			}
		}
	}
	ntime := job.NTime
	f.onNew = f.last == nil || f.last.PrevHash != job.PrevHash
	for i, old := range f.jobs {
		if old != nil && old.SameWork(job) {
			ntime = max(ntime, f.times[i]+1)
		}
	}
	f.jobs[f.next], f.stale[f.next] = job, false
	f.next = (f.next + 1) % maxFeedJobs
	f.last = job
	f.setTime(ntime)
	return true
}

// Keepalive advances the last job's time by the given number of seconds, so that
// sending it again gives miners new work. With identical bytes, miners that restart
// their extranonce2 at each notify would find the same shares twice. Post does the
// same with work that the pool itself sends again.
func (f *Feed) Keepalive(seconds uint32) {
	f.setTime(max(f.last.NTime+min(seconds, work.MaxTimeRoll), f.ntime+1))
}

// setTime sets the last job's ntime, within what the pool may take.
func (f *Feed) setTime(ntime uint32) {
	f.ntime = min(ntime, f.last.NTime+work.MaxTimeRoll)
	f.times[(f.next+maxFeedJobs-1)%maxFeedJobs] = f.ntime
	for size := range f.lines {
		for clean := range f.lines[size] {
			f.lines[size][clean] = f.lines[size][clean][:0] // empty: built when needed
		}
	}
}

// line returns the notify of the last job.
func (f *Feed) line(extranonce2 int, clean bool) []byte {
	i := 0
	if clean {
		i = 1
	}
	l := &f.lines[extranonce2][i]
	if len(*l) == 0 {
		*l = appendNotify((*l)[:0], f.last, extranonce2, f.ntime, clean)
	}
	return *l
}

// find returns a job that may still be answered; nil if it is forgotten.
func (f *Feed) find(id uint32) (job *work.Job, stale bool) {
	for i, j := range f.jobs {
		if j != nil && j.ID == id {
			return j, f.stale[i]
		}
	}
	return nil, false
}

// latest returns the latest ntime sent to miners with job.
func (f *Feed) latest(job *work.Job) uint32 {
	if job == f.last {
		return f.ntime
	}
	return job.NTime
}

// lateAfter is how long after a job was replaced a share for it is worthless: ASICs
// finish their work within seconds, and their shares take far less than a minute to
// arrive.
const lateAfter = time.Minute

// late reports whether the job at that place in the ring was replaced long ago, as of
// the arrival of the last one.
func (f *Feed) late(at int) bool {
	if f.jobs[at] == f.last {
		return false
	}
	replaced := f.jobs[(at+1)%maxFeedJobs].Received
	return f.last.Received.Sub(replaced) >= lateAfter
}

// exact reports whether miners get the pool's difficulty unchanged: if the link is the
// miner's own, or if only the pool can tell what a share is worth.
func (f *Feed) exact() bool { return f.Direct || f.last != nil && f.last.Algorithm.Hash == nil }
