package session

import "farmproxy/work"

// maxSeen bounds the fingerprints of one miner. At 6 shares a minute they
// cover 4 minutes, several jobs: a miner that starts over does so with a job.
// A duplicate older than that is the pool's to find. It is memory that a farm
// takes on only with its shares: 128 of them were 10 MB for 10,000 miners, a
// third of what the whole process takes.
const maxSeen = 24

// fingerprints are those of a miner's last accepted headers: a ring.
type fingerprints [maxSeen]uint64

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
func (s *Session) see(fingerprint uint64, job *work.Job, f *Feed) {
	if s.seen == nil {
		s.seen = new(fingerprints) // once in a miner's life
	}
	if f.oldest() > s.seenJob {
		s.seenCount, s.seenNext = 0, 0
	}
	s.seenJob = max(s.seenJob, job.ID)
	s.seen[s.seenNext] = fingerprint
	s.seenNext = (s.seenNext + 1) % maxSeen
	s.seenCount = min(s.seenCount+1, maxSeen)
}
