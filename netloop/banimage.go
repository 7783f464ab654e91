package netloop

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"farmproxy/guard"
)

// banImage is an address that may not connect.
type banImage struct {
	Address  netip.Addr `json:"address"`
	Reason   string     `json:"reason"`
	Offences int        `json:"offences"`
	SinceMS  int64      `json:"since_ms"` // how long it has been banned
	LeftMS   int64      `json:"left_ms"`  // until the ban ends
}

// bansImage returns all bans.
func (s *Server) bansImage(now time.Duration) (list []banImage) {
	for _, b := range s.guard.Bans(now) {
		list = append(list, banImage{b.Address, b.Reason, b.Offences, (now - b.Since).Milliseconds(), (b.Until - now).Milliseconds()})
	}
	return list
}

// restoreBans takes over all bans of an image; now is its moment.
func (s *Server) restoreBans(data []byte, now time.Duration) error {
	var list []banImage
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("what the running farmproxy knows of banned addresses: %w", err)
	}
	bans := make([]guard.Ban, len(list))
	for i, b := range list {
		bans[i] = guard.Ban{
			Address: b.Address, Reason: b.Reason, Offences: b.Offences,
			Since: now - time.Duration(b.SinceMS)*time.Millisecond, Until: now + time.Duration(b.LeftMS)*time.Millisecond,
		}
	}
	s.guard.Inherit(bans)
	return nil
}
