package upstream

import "farmproxy/work"

// How a pool applies the version bits of a share. BIP 310 has it replace the
// mask's bits of its job's version, so a share carries all of them; btcpool and
// public-pool flip those that a share carries. It makes a difference only where
// the job's version has bits inside the mask: such a job shows which of the two a
// pool does, and no answer to mining.configure says it.
//
// So the first share of such a job goes as BIP 310 has it. When the pool refuses
// it, as it does who builds another header than the miner, it is sent again the
// other way; what a pool has accepted is kept. The miner sees one verdict.
type versionBits struct {
	flip bool // the pool flips them, as far as is known
}

// of returns the version bits to send with a share under mask, and whether any
// are to be sent.
func (v *versionBits) of(s *Share, mask uint32) (bits uint32, has bool) {
	if !ambiguous(s, mask) {
		return s.Version & mask, true
	}
	if s.Version == s.Job.Version {
		return 0, false // without version bits every pool makes the job's own version of it
	}
	if s.flipped = v.flip != s.otherWay; s.flipped {
		return s.Version ^ s.Job.Version, true
	}
	return s.Version & mask, true
}

// ambiguous reports that pools make different headers of a share's version bits.
func ambiguous(s *Share, mask uint32) bool { return s.Job.Version&mask != 0 }

// answered learns from a pool's verdict on a share. again says that the share is
// to be sent once more, the other way.
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
