package session

import "farmproxy/work"

const (
	// maxSeen bounds the fingerprints of one miner. At 6 shares a minute they
	// cover 4 minutes, several jobs: a miner that starts over does so with a job.
	// A duplicate older than that is the pool's to find. It is memory that a farm
	// takes on only with its shares: 128 of them were 10 MB for 10,000 miners, a
	// third of what the whole process takes.
	maxSeen = 24

	// seenTogether is how many miners' fingerprints are allocated at a time, so
	// that not even a miner's first share costs an allocation of its own.
	seenTogether = 64
)

// fingerprints are those of a miner's last accepted headers: a ring.
type fingerprints [maxSeen]uint64

// fingerprints returns memory for a miner's.
func (e *Env) fingerprints() *fingerprints {
	if len(e.spare) == 0 {
		e.spare = make([]fingerprints, seenTogether)
	}
	f := &e.spare[0]
	e.spare = e.spare[1:]
	return f
}

// isSeen reports whether the miner handed in that header before. Since no two
// miners of a link share a prefix, only the miner itself can repeat one; and
// since the fingerprint is the header's, not the job's, work that the pool
// sent again under another job id is caught too.
func (s *Session) isSeen(fingerprint uint64) bool {
	if s.seen == nil {
		return false
	}
	for _, f := range s.seen[:s.seenCount] {
		if f == fingerprint {
			return true
		}
	}
	return false
}

// see remembers an accepted header of job. All are dropped when none of the
// jobs that they belong to may be answered any more.
func (s *Session) see(e *Env, fingerprint uint64, job *work.Job) {
	if s.seen == nil {
		s.seen = e.fingerprints()
	}
	if e.Feed.oldest() > s.seenJob {
		s.seenCount, s.seenNext = 0, 0
	}
	s.seenJob = max(s.seenJob, job.ID)
	s.seen[s.seenNext] = fingerprint
	s.seenNext = (s.seenNext + 1) % maxSeen
	s.seenCount = min(s.seenCount+1, maxSeen)
}
