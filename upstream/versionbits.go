package upstream

import "farmproxy/work"

// How a pool applies the version bits of a share. Under BIP 310 the bits replace the
// mask's bits of the job's version, so a share carries all of them; btcpool and
// public-pool flip the bits that a share carries. The difference shows only if the
// job's version has bits inside the mask: such a job reveals which of the two a pool
// does, while no answer to mining.configure does.
//
// So the first share of such a job follows BIP 310. If the pool refuses it, as a pool
// does that builds a different header than the miner, it is resent the other way; the
// way that a pool has accepted is kept. The miner sees one verdict.
type versionBits struct {
	flip bool // the pool flips them, as far as known
}

// of returns the version bits to send with a share under mask, and whether to send any.
func (v *versionBits) of(s *Share, mask uint32) (bits uint32, has bool) {
	if !ambiguous(s, mask) {
		return s.Version & mask, true
	}
	if s.Version == s.Job.Version {
		return 0, false // without version bits every pool uses the job's own version
	}
	if s.flipped = v.flip != s.otherWay; s.flipped {
		return s.Version ^ s.Job.Version, true
	}
	return s.Version & mask, true
}

// ambiguous reports whether pools build different headers from a share's version bits.
func ambiguous(s *Share, mask uint32) bool { return s.Job.Version&mask != 0 }

// answered learns from a pool's verdict on a share. again means that the share must be
// resent the other way.
func (v *versionBits) answered(s *Share, verdict work.Verdict, mask uint32) (again bool) {
	if !ambiguous(s, mask) || s.Version == s.Job.Version {
		return false
	}
	switch verdict {
	case work.Accepted:
		v.flip = s.flipped
	case work.LowDifficulty, work.BadVersion, work.PoolRejected:
		again = !s.otherWay
		s.otherWay = true
	}
	return again
}
