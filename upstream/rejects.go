package upstream

import (
	"math/bits"
	"slices"

	"farmproxy/work"
)

const (
	// rejectMin is how many verdicts there must be before a link can be ill.
	rejectMin = 50

	// rejectSenders bounds the miners that are heard of a link. Where there are
	// more, each has one vote, and those that were heard last are counted.
	rejectSenders = 100

	// rejectVerdicts is how many verdicts are kept of each: the bits of a word.
	rejectVerdicts = 64

	// maxVotes bounds the votes of a miner whose shares nothing vouches for: half
	// of rejectMin, so that no miner makes a link ill by itself.
	maxVotes = rejectMin / 2
)

// rejects is the fate of a link's last shares, by who sent them: a pool is ill
// when it refuses the shares of many, not when one miner sends many that are
// refused. So each miner has a bounded number of votes, whatever it sends.
//
// Where the hash of a share was checked here before it went up, that check vouches
// for it, and then one miner is enough. Otherwise there is only the pool's word
// against the miner's, and others are heard:
//
//   - a quarter of the lane's miners has no majority: each has an equal part of
//     rejectSenders votes;
//   - while the pool accepts somebody's shares, those who never had one accepted
//     are no witnesses: a broken rig may come back under any number of prefixes.
//
// Its health's mutex guards it.
type rejects struct {
	senders []sender
	members int    // miners on the lane
	clock   uint32 // counts verdicts
}

// sender is a miner as a link's rejects know it: 24 bytes.
type sender struct {
	refused uint64 // its last verdicts, the latest in the lowest bit
	heard   uint32 // rejects.clock at the latest
	prefix  uint16 // all members of a lane have the same group and length
	n       uint8  // how many bits of refused count
	proven  bool   // it had a share accepted, on this link or before
	vouched bool   // our check vouches for its last share
}

// vouched reports that a share is good by our own check, whatever the pool says.
// What a miner makes of its time and its version bits is checked less strictly
// here than by some pools.
func vouched(s *Share, v work.Verdict) bool {
	return s.Job.Algorithm.Hash != nil && v != work.BadTime && v != work.BadVersion
}

// note adds the verdict on a share, and reports whether its refusal is the
// miner's own doing. Stale shares are no sign of anything: a new block makes a
// burst of them at the best of pools.
func (r *rejects) note(s *Share, v work.Verdict) (own bool) {
	if v == work.Stale || v == work.UnknownJob {
		return false
	}
	r.clock++
	accepted, vouched := v == work.Accepted, vouched(s, v)
	if m := r.find(s, accepted || vouched); m != nil {
		m.heard = r.clock
		m.n = min(m.n+1, rejectVerdicts)
		m.refused <<= 1
		m.proven = m.proven || accepted || s.Proven
		m.vouched = vouched
		if !accepted {
			m.refused |= 1
		}
	}
	if accepted {
		return false
	}
	n, no := r.tally(int(s.Prefix))
	if n == 0 {
		return !vouched // nobody else is there to be compared with
	}
	return 2*no < n
}

// find returns the entry of a share's sender; nil where there is no room for it.
// One that may be a stranger takes the place of no other's.
func (r *rejects) find(s *Share, good bool) *sender {
	prefix := s.Prefix
	oldest, stranger := -1, -1
	for i := range r.senders {
		m := &r.senders[i]
		if m.prefix == prefix {
			return m
		}
		if oldest < 0 || m.heard < r.senders[oldest].heard {
			oldest = i
		}
		if !m.witness() && (stranger < 0 || m.heard < r.senders[stranger].heard) {
			stranger = i
		}
	}
	switch {
	case len(r.senders) < rejectSenders:
		r.senders = append(r.senders, sender{prefix: prefix})
		return &r.senders[len(r.senders)-1]
	case stranger >= 0:
		oldest = stranger
	case !good && !s.Proven:
		return nil
	}
	r.senders[oldest] = sender{prefix: prefix}
	return &r.senders[oldest]
}

// witness reports that what became of a sender's shares says something about the
// pool.
func (m *sender) witness() bool { return m.proven || m.vouched }

// forget drops a miner that has left, unless it was proven.
func (r *rejects) forget(p Prefix) {
	r.senders = slices.DeleteFunc(r.senders, func(m sender) bool { return m.prefix == p.Value && !m.proven })
}

// tally counts the votes, and those of them that are refusals, of all senders
// but one; -1: of all.
func (r *rejects) tally(except int) (n, no int) {
	accepts := slices.ContainsFunc(r.senders, func(m sender) bool { return int(m.prefix) != except && m.refused&1 == 0 })
	for i := range r.senders {
		m := &r.senders[i]
		if int(m.prefix) == except || accepts && !m.witness() {
			continue
		}
		votes := min(int(m.n), r.votes(m))
		n += votes
		no += bits.OnesCount64(m.refused & (1<<votes - 1))
	}
	return n, no
}

// votes returns how many votes a sender has at most.
func (r *rejects) votes(m *sender) int {
	if m.vouched {
		return max(maxVotes, rejectSenders/len(r.senders))
	}
	return max(1, min(maxVotes, rejectSenders/max(1, r.members)))
}

// above reports that more than the given fraction was rejected; never for 0.
func (r *rejects) above(rate float64) bool {
	if rate <= 0 {
		return false
	}
	n, no := r.tally(-1)
	return n >= rejectMin && float64(no) > rate*float64(n)
}
