package netloop

import (
	"cmp"
	"net/netip"
	"sync"
)

// maxUnproven bounds the miners of agents without an accepted share, at 450 bytes each:
// four agents with all of their session ids.
const maxUnproven = 1 << 18

// unproven counts the miners of agents that have had no share accepted yet: with 2 MB of
// frames an agent registers 65,535, and whoever can connect may say that it is one. All
// loops share it.
type unproven struct {
	max int // 0: maxUnproven; tests set it

	mu sync.Mutex
	n  int
	by map[netip.Addr]int
}

// add counts one more of an address; false: there is no room. Nobody has more than are free
// for others.
func (u *unproven) add(from netip.Addr) bool {
	from = network(from)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.by[from] >= cmp.Or(u.max, maxUnproven)-u.n {
		return false
	}
	u.put(from, 1)
	return true
}

// inherit counts those of an agent that another process has handed over.
func (u *unproven) inherit(from netip.Addr, n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.put(network(from), n)
}

// drop is the opposite of add, for n of them.
func (u *unproven) drop(from netip.Addr, n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.put(network(from), -n)
}

// put adds n to the counts. The caller holds the lock.
func (u *unproven) put(from netip.Addr, n int) {
	if u.by == nil {
		u.by = make(map[netip.Addr]int)
	}
	u.n += n
	if u.by[from] += n; u.by[from] == 0 {
		delete(u.by, from)
	}
}

// mayRegister reports whether an agent may have a miner with that session id, and counts
// it.
func (a *agentPeer) mayRegister(l *loop, p *peer, sid uint16) bool {
	if p.is(earned) || a.session.Name(sid) != "" {
		return true
	}
	if !l.server.unproven.add(p.remote.Addr()) {
		return false
	}
	a.unproven++
	return true
}

// uncount ends the count of n of an agent's miners: they have gone, or a share was accepted.
func (a *agentPeer) uncount(l *loop, p *peer, n int) {
	if n = min(n, a.unproven); n > 0 {
		l.server.unproven.drop(p.remote.Addr(), n)
		a.unproven -= n
	}
}

// inherits counts the miners of an agent that another process has handed over.
func (a *agentPeer) inherits(l *loop, p *peer) {
	a.session.Miners(func(uint16, string) { a.unproven++ })
	l.server.unproven.inherit(p.remote.Addr(), a.unproven)
}
