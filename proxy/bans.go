package proxy

import (
	"net/netip"
	"time"

	"farmproxy/api"
	"farmproxy/netloop"
)

// bans are the server's, in the API's words.
type bans struct{ *netloop.Server }

// Bans implements api.Bans.
func (b bans) Bans() []api.Ban {
	list, now := b.Server.Bans()
	at := time.Now()
	all := make([]api.Ban, len(list))
	for i, x := range list {
		all[i] = api.Ban{Address: x.Address, Reason: x.Reason, Offences: x.Offences, Since: at.Add(x.Since - now), Until: at.Add(x.Until - now)}
	}
	return all
}

// Lift implements api.Bans.
func (b bans) Lift(a netip.Addr) bool { return b.Server.Lift(a) }

// count returns how many addresses are banned.
func (b bans) count() int {
	list, _ := b.Server.Bans()
	return len(list)
}
