package session

import "time"

// Firmware is known to stop rolling versions in the middle of a session, and to
// mine on without AsicBoost, for more power a share. It does not say so; it
// shows in shares that have no version bits any more. A new
// handshake brings the rolling back.

const (
	// rollingShares is how many shares with version bits a miner must have
	// handed in before one without tells anything. It is BTCAgent's number.
	rollingShares = 100

	// reconnectEvery is how often a miner is told to reconnect at most: one
	// that a new handshake does not help is not helped by the next either, and
	// each costs it seconds of work.
	reconnectEvery = 10 * time.Minute
)

// lostRolling takes note of a share whose form is right, of a miner that may
// roll version bits: whether it has some. It reports whether the miner is to be
// told to reconnect. What it knows outlives the connection: see Resume.
func (s *Session) lostRolling(e *Env, rolled bool) bool {
	if rolled {
		if s.rolled <= rollingShares {
			s.rolled++
		}
		return false
	}
	if !e.Terms.ReconnectLostRolling || s.rolled <= rollingShares {
		return false
	}
	if e.Now < s.nextReconnect {
		return false
	}
	s.rolled, s.nextReconnect = 0, e.Now+reconnectEvery
	return true
}
