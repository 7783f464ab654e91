package session

import "time"

// Some firmware stops rolling versions in the middle of a session and mines on without
// AsicBoost, using more power per share. The only sign is that its shares no longer
// have version bits. A new handshake restores rolling.

const (
	// rollingShares is how many shares with version bits a miner must have sent before
	// one without means anything. It is BTCAgent's number.
	rollingShares = 100

	// reconnectEvery is the least time between two requests to reconnect: if one new
	// handshake does not help, the next won't either, and each costs the miner seconds
	// of work.
	reconnectEvery = 10 * time.Minute
)

// lostRolling records whether a well-formed share, of a miner that may roll version
// bits, has any. It reports whether to tell the miner to reconnect. Its state outlives
// the connection: see Resume.
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
	if e.Now < s.nextReconnect.time() {
		return false
	}
	s.rolled, s.nextReconnect = 0, momentOf(e.Now+reconnectEvery)
	return true
}
