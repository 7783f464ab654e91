package session

import (
	"time"

	"farmproxy/work"
)

const (
	// slowedAt is how many refusals by the pool that are the miner's own fault
	// (upstream.Verdict.Own) make it slow: few of its shares are forwarded, so that
	// the pool does not mistake the farm for an attacker. A burst after a change of
	// difficulty is shorter.
	slowedAt = 16

	// refusedAt is how many get the miner disconnected.
	refusedAt = 32

	// redeems is how many refusals one accepted share makes up for: a miner with four
	// fifths of its shares refused is disconnected, one with a bad board is not.
	redeems = 4

	// slowEvery is the pause between two shares of a slowed miner: at four a second,
	// its case is decided within seconds.
	slowEvery = 250 * time.Millisecond

	// retryEvery is the pause for an agent's miner beyond refusedAt: it can't be
	// disconnected without the others, and may get fixed.
	retryEvery = time.Minute

	// inheritedAt is the most refusals that a newcomer can inherit from its past: it
	// leaves a few shares to prove itself.
	inheritedAt = refusedAt - 4
)

// textSlowed tells a miner that its share was not forwarded.
const textSlowed = "The pool refuses the shares of this miner: few of them are forwarded"

// standing is the pool's record with a miner's shares so far: 8 bytes.
type standing struct {
	next      moment // no share of a slowed miner is forwarded before
	refused   uint8  // refusals of its own fault, less those that accepted shares made up for
	proven    bool   // it had a share accepted
	inherited bool   // refused was inherited: the first accepted share clears it
}

// may reports whether a share may be forwarded now.
func (s *standing) may(now time.Duration) bool {
	switch {
	case s.refused < slowedAt:
		return true
	case now < s.next.time():
		return false
	}
	s.next = momentOf(now + slowEvery)
	if s.refused >= refusedAt {
		s.next = momentOf(now + retryEvery)
	}
	return true
}

// settled records the verdict on a forwarded share, and reports whether to disconnect
// the miner.
func (s *standing) settled(v work.Verdict, own bool) (over bool) {
	switch {
	case v == work.Accepted && s.inherited:
		s.refused, s.inherited, s.proven = 0, false, true
	case v == work.Accepted:
		s.refused -= min(s.refused, redeems)
		s.proven = true
	case own:
		s.refused = min(s.refused+1, refusedAt)
	}
	return s.refused >= refusedAt
}

// leave returns the refusals that a miner leaves behind. Unless it is proven, shares
// without a verdict that nothing vouches for count as refused, so that leaving before
// the first verdict is no way out after a burst.
func (s *standing) leave(doubtful int) (debt uint8) {
	if !s.proven {
		s.refused = uint8(min(int(s.refused)+doubtful, refusedAt))
	}
	return s.refused
}

func (s *standing) inherit(debt uint8, next moment) {
	if debt > s.refused {
		s.refused, s.inherited = min(debt, inheritedAt), true
		s.next = max(s.next, next)
	}
}

// Settled records the verdict on a forwarded share. own says that a refusal is the
// miner's own fault. It reports whether to disconnect the miner: SharesRefused.
func (s *Session) Settled(v work.Verdict, own bool) (over bool) {
	return s.standing.settled(v, own)
}

// Leave returns the debt of a miner that disconnects; 0 if it is in good standing.
// doubtful is how many of its shares without a verdict could not be checked here.
func (s *Session) Leave(doubtful int) (debt uint8) { return s.standing.leave(doubtful) }

// Inherit makes the miner start with the debt that it left behind. Its first share is
// not forwarded before next, given like Env.Now. The first share that the pool accepts
// clears the debt.
func (s *Session) Inherit(debt uint8, next time.Duration) { s.standing.inherit(debt, momentOf(next)) }

// Settled is Session.Settled for the agent's miner with that session id. It reports
// nothing, since no miner can be disconnected without the others: beyond the limit
// nearly all of its shares are rejected.
func (a *Agent) Settled(session uint16, v work.Verdict, own bool) {
	if s := a.miner(session); s != nil {
		s.standing.settled(v, own)
	}
}

// Leave is Session.Leave for the agent's miner with that session id.
func (a *Agent) Leave(session uint16, doubtful int) (debt uint8) {
	if s := a.miner(session); s != nil {
		return s.standing.leave(doubtful)
	}
	return 0
}

// Inherit is Session.Inherit for the agent's miner with that session id.
func (a *Agent) Inherit(session uint16, debt uint8, next time.Duration) {
	if s := a.miner(session); s != nil {
		s.standing.inherit(debt, momentOf(next))
	}
}
