package netloop

import (
	"cmp"
	"net/netip"
	"sync"
)

// maxUnproven bounds what unproven counts, at 450 bytes each: four agents with all of their
// session ids.
const maxUnproven = 1 << 18

// unproven counts what connections that have had no share accepted yet have besides
// themselves: an agent's miners, of which 2 MB of frames register 65,535, and a miner's
// further names, with which it takes 50 kB instead of two. All loops share it.
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

// inherit counts those of a connection that another process has handed over.
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

// uncount ends the count of n of an agent's miners.
func (a *agentPeer) uncount(l *loop, p *peer, n int) {
	if n = min(n, a.unproven); n > 0 {
		l.server.unproven.drop(p.remote.Addr(), n)
		a.unproven -= n
	}
}

// uncount ends the count of all that a peer has: it leaves, or a share was accepted.
func (l *loop) uncount(p *peer) {
	if a, is := p.dialect.(*agentPeer); is {
		a.uncount(l, p, a.unproven)
	} else if n := len(p.others()); n > 0 && !p.is(earned) {
		l.server.unproven.drop(p.remote.Addr(), n)
	}
}

// count counts what a peer has that another process has handed over.
func (l *loop) count(p *peer) {
	n := len(p.others())
	if a, is := p.dialect.(*agentPeer); is {
		a.session.Miners(func(uint16, string) { n++ })
		a.unproven = n
	}
	if n > 0 {
		l.server.unproven.inherit(p.remote.Addr(), n)
	}
}
