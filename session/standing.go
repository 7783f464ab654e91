package session

import (
	"time"

	"farmproxy/work"
)

const (
	// slowedAt is how many refusals of its own doing (upstream.Verdict.Own) make a
	// miner slow: few of its shares are forwarded, so that the pool does not take the
	// farm for an attacker. A burst after a change of difficulty is shorter.
	slowedAt = 16

	// refusedAt is how many make it go.
	refusedAt = 32

	// redeems is how many refusals one accepted share makes up for: who works four
	// fifths in vain goes, not who has a bad board.
	redeems = 4

	// slowEvery is the pause between two shares of a slowed miner: at four a second
	// it is through within seconds, one way or the other.
	slowEvery = 250 * time.Millisecond

	// retryEvery is that pause for a miner of an agent beyond refusedAt: it can't be
	// closed without the others, and may have been mended.
	retryEvery = time.Minute

	// inheritedAt is the most that a newcomer can be held to for what it did before:
	// a few shares are left to prove itself.
	inheritedAt = refusedAt - 4
)

// textSlowed is what a miner is told of a share that is not forwarded.
const textSlowed = "The pool refuses the shares of this miner: few of them are forwarded"

// standing is how the pool has taken a miner's shares so far: 16 bytes.
type standing struct {
	next      time.Duration // no share is forwarded before, of a slowed miner; as Env.Now
	refused   uint8         // refusals of its own doing, less what accepted ones made up for
	proven    bool          // it had a share accepted
	inherited bool          // refused is from before: the first accepted share clears it
}

// may reports whether a share may be forwarded now.
func (s *standing) may(now time.Duration) bool {
	switch {
	case s.refused < slowedAt:
		return true
	case now < s.next:
		return false
	}
	s.next = now + slowEvery
	if s.refused >= refusedAt {
		s.next = now + retryEvery
	}
	return true
}

// settled notes the verdict on a share that was forwarded, and reports that the
// miner is to go.
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

// leave returns what a miner leaves behind: shares that wait for their verdict, and
// that nothing vouches for, count as refused unless it is proven. So a burst that is
// over before the first verdict is no way out.
func (s *standing) leave(doubtful int) (debt uint8) {
	if !s.proven {
		s.refused = uint8(min(int(s.refused)+doubtful, refusedAt))
	}
	return s.refused
}

func (s *standing) inherit(debt uint8, next time.Duration) {
	if debt > s.refused {
		s.refused, s.inherited = min(debt, inheritedAt), true
		s.next = max(s.next, next)
	}
}

// Settled takes note of a forwarded share's verdict. own says that a refusal is the
// miner's own doing. It reports that the miner is to be closed: SharesRefused.
func (s *Session) Settled(v work.Verdict, own bool) (over bool) {
	return s.standing.settled(v, own)
}

// Leave returns what is held against the miner, which leaves; 0 when it is in good
// standing. doubtful is how many of its shares wait for their verdict that could not be
// checked here.
func (s *Session) Leave(doubtful int) (debt uint8) { return s.standing.leave(doubtful) }

// Inherit makes the miner begin with the debt that it left behind. Its first share is
// not forwarded before next, as Env.Now. With the first that the pool accepts it is
// forgotten.
func (s *Session) Inherit(debt uint8, next time.Duration) { s.standing.inherit(debt, next) }

// Settled is that of a Session for the agent's miner with that session id. It
// reports nothing, since no miner is closed without the others: beyond the limit
// nearly all of its shares are refused.
func (a *Agent) Settled(session uint16, v work.Verdict, own bool) {
	if s := a.miner(session); s != nil {
		s.standing.settled(v, own)
	}
}

// Leave is that of a Session for the agent's miner with that session id.
func (a *Agent) Leave(session uint16, doubtful int) (debt uint8) {
	if s := a.miner(session); s != nil {
		return s.standing.leave(doubtful)
	}
	return 0
}

// Inherit is that of a Session for the agent's miner with that session id.
func (a *Agent) Inherit(session uint16, debt uint8, next time.Duration) {
	if s := a.miner(session); s != nil {
		s.standing.inherit(debt, next)
	}
}
