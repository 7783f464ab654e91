package upstream

import "farmproxy/work"

const (
	// rejectWindow is how many verdicts the reject rate is taken over, and
	// rejectMin how many there must be.
	rejectWindow = 100
	rejectMin    = 50
)

// rejects is the fate of a link's last shares.
type rejects struct {
	ring [rejectWindow]bool // true: rejected
	next int
	n    int
	no   int // of them rejected
}

// note adds a verdict. Stale shares are no sign of illness: a new block makes
// a burst of them at the best of pools.
func (r *rejects) note(v work.Verdict) {
	if v == work.Stale || v == work.UnknownJob {
		return
	}
	if r.n < rejectWindow {
		r.n++
	} else if r.ring[r.next] {
		r.no--
	}
	no := v != work.Accepted
	if no {
		r.no++
	}
	r.ring[r.next] = no
	r.next = (r.next + 1) % rejectWindow
}

// above reports that more than the given fraction was rejected; never for 0.
func (r *rejects) above(rate float64) bool {
	return rate > 0 && r.n >= rejectMin && float64(r.no) > rate*float64(r.n)
}
