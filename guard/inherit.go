package guard

import (
	"net/netip"
	"time"
)

// Stay counts a connection that another process has handed over: it is not judged again.
// counted says that Left must be told of it.
func (g *Guard) Stay(from netip.Addr, now time.Duration) (counted bool) {
	from = Network(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.settings.Connections == 0 || g.exempt(from) {
		return false
	}
	a := g.find(from, now)
	if a == nil {
		return false
	}
	a.open++
	return true
}

// Inherit adds the bans of the process before.
func (g *Guard) Inherit(bans []Ban) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range bans {
		g.ban(&bans[i])
	}
}
