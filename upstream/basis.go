package upstream

import (
	"fmt"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

const (
	// basisTimeout is how long shares wait for a link to be authorized again: longer
	// than any pool that answers at all, and no loss, since those sent meanwhile
	// would be refused.
	basisTimeout = 2 * time.Second

	// basisPause is how long a link whose shares are refused all the same, after a
	// renewal, has no other.
	basisPause = 10 * time.Second
)

// basis is the authorization that a link's shares rest on. Pools of the NOMP family
// keep one of a connection, and it is that of their last answer to
// mining.authorize, whatever names there were: so a worker's refused name takes
// it away from all others. It is renewed then, before the next share; and shares
// that were refused meanwhile are sent once more.
type basis struct {
	lapsed  bool      // it is to be renewed before the next share
	wait    bool      // and its answer waited for
	renewal uint64    // the request that renews it; 0: none is under way
	sent    time.Time // when the last renewal was
	renewed time.Time // when the last one was answered, or given up
	inVain  time.Time // when a share was last refused all the same
}

// lapse has the authorization renewed, unless a renewal is under way: its answer is
// the last one then. wait says that shares wait for that.
func (b *basis) lapse(wait bool) {
	if b.renewal == 0 {
		b.lapsed, b.wait = true, b.wait || wait
	}
}

// renew appends the request for a renewal that is due, and reports whether shares
// wait for one.
func (s *stratum) renew(buf []byte) (out []byte, waits bool) {
	b := &s.names.basis
	if b.lapsed {
		b.lapsed, b.renewal, b.sent = false, s.flight.skip(), s.now
		buf = codec.AppendPoolAuthorize(buf, b.renewal, s.names.base, s.to.Password)
	}
	return buf, b.renewal != 0 && b.wait
}

// settle ends a renewal.
func (b *basis) settle(now time.Time) { b.renewal, b.wait, b.renewed = 0, false, now }

// renewalAnswered takes the answer to a renewal; false: id is that of none. A link
// that is refused altogether ends.
func (s *stratum) renewalAnswered(id uint64, yes bool, e codec.PoolError) bool {
	b := &s.names.basis
	if b.renewal == 0 || id != b.renewal {
		return false
	}
	b.settle(s.now)
	if !yes {
		s.link.drop(fmt.Errorf("pool %q no longer authorizes %q: %s", s.pool.Name, s.names.base, saying(e)))
	}
	return true
}

// expireRenewal waits no longer for a renewal that is not answered.
func (s *stratum) expireRenewal() bool {
	b := &s.names.basis
	if b.renewal == 0 || s.now.Sub(b.sent) < basisTimeout {
		return false
	}
	b.settle(s.now)
	return true
}

// unauthorized takes note of a share that was refused for want of authorization, and
// reports that it is to be sent once more: the authorization had lapsed, and is
// renewed.
func (s *stratum) unauthorized(share *Share, at, now time.Time) (again bool) {
	n := &s.names
	if n.pass {
		s.pool.quietNames(now)
		if w := n.workers[n.key(share)]; w != nil && w.fixed {
			w.text = n.base
		}
	}
	b := &n.basis
	if share.retried {
		b.inVain = now
		return false
	}
	share.retried = true
	if at.Before(b.renewed) {
		return true // it is renewed already
	}
	if !b.inVain.IsZero() && now.Sub(b.inVain) < basisPause {
		return false
	}
	b.lapse(true)
	return true
}

// refusedForNow reports that a share was refused, and is sent again.
func (s *stratum) refusedForNow(x *sent, v work.Verdict) bool {
	if v != work.Unauthorized || !s.unauthorized(&x.share, x.at, s.now) {
		return false
	}
	x.share.resubmitted = true
	return true
}
