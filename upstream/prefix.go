package upstream

import (
	"sync"

	"farmproxy/codec/agent"
	"farmproxy/work"
)

// maxGroups bounds the groups of prefixes in use, and with them the lanes that an
// aggregated goal can need: enough for 131,072 miners with 1-byte prefixes, and with
// longer ones far more than one process has sockets for.
const maxGroups = 512

// Prefixes hands out prefixes, in groups of 65,536 (256 if they have only one byte): no
// two miners of the process have the same. All methods may be called from any
// goroutine.
//
// A returned prefix is in quarantine on every lane on which its miner worked, until
// that lane's next clean job: from then on no share of a job that its last miner worked
// on can be accepted, so its next miner can't be mistaken for a duplicate of it.
//
// An agent's miners bring their own prefixes: it gets a private group (TakeGroup).
type Prefixes struct {
	first uint16

	mu      sync.Mutex
	agents  bool      // agent pools may get the prefixes
	begun   uint32    // groups, of both lengths
	series  [2]series // by length - 1
	held    map[Prefix]quarantine
	private privateGroups
}

// series is the groups of one prefix length, in the order they were begun: only the
// last one can have fresh prefixes.
type series struct {
	groups []*prefixes
	free   int // returned prefixes, of all groups
}

// prefixes is one group's.
type prefixes struct {
	group uint32
	fresh int      // how many were never handed out
	next  uint16   // the next fresh one
	free  []uint16 // returned ones, the longest ago first
}

// quarantine is what holds a prefix back.
type quarantine struct {
	lanes int  // lanes without a clean job since its miner worked there
	back  bool // it was returned
}

// noSID reports that no agent pool can have a miner with that prefix: it would be its
// session id, and btcpool accepts none above agent.MaxSID.
func (p Prefix) noSID() bool { return p.Len == 2 && p.Value > agent.MaxSID }

// roomFor reports whether a pool's extranonce2 of size bytes has room for a miner with
// prefix x, or for an agent whose miners have such prefixes.
func roomFor(size int, x Prefix) bool {
	_, ok := work.NewLayout(size, int(x.Len))
	return ok && (!x.private() || size >= agentSize)
}

// serveAgents keeps back, from now on, the prefixes that agent pools can't have: one in
// 65,536, for good.
func (p *Prefixes) serveAgents() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agents = true
}

// Take returns a free prefix of length bytes, 1 or 2, of the first group that has one:
// fewer groups mean fewer links. Once the groups of that length are used up it begins
// the next; false if there are too many already.
func (p *Prefixes) Take(length int) (x Prefix, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, ok = p.take(length)
	for ok && p.agents && x.noSID() {
		x, ok = p.take(length)
	}
	return x, ok
}

// take is Take for all prefixes. The caller holds the lock.
func (p *Prefixes) take(length int) (x Prefix, ok bool) {
	s := &p.series[length-1]
	g := s.returned()
	if g != nil {
		x = Prefix{Group: g.group, Value: g.free[0], Len: uint8(length)}
		g.free = g.free[1:]
		s.free--
		return x, true
	}
	if g = p.fresh(length); g == nil {
		return Prefix{}, false
	}
	x = Prefix{Group: g.group, Value: g.next, Len: uint8(length)}
	g.fresh--
	g.next = uint16((int(g.next) + 1) % (1 << (8 * length)))
	return x, true
}

// returned returns the first group with a returned prefix, or nil if there is none.
func (s *series) returned() *prefixes {
	if s.free == 0 {
		return nil
	}
	for _, g := range s.groups {
		if len(g.free) > 0 {
			return g
		}
	}
	return nil
}

// fresh returns a group of that length with fresh prefixes, or nil if there can't be
// any. The caller holds the lock.
func (p *Prefixes) fresh(length int) *prefixes {
	s := &p.series[length-1]
	if n := len(s.groups); n > 0 && s.groups[n-1].fresh > 0 {
		return s.groups[n-1]
	}
	if p.begun == maxGroups {
		return nil
	}
	g := &prefixes{group: p.begun, fresh: 1 << (8 * length)}
	if len(s.groups) == 0 {
		g.next = uint16(int(p.first) % g.fresh)
	}
	p.begun++
	s.groups = append(s.groups, g)
	return g
}

// Release returns a prefix that no miner uses any more. last is the lane where its
// miner last worked, unless the miner has left it; nil: none.
func (p *Prefixes) Release(x Prefix, last *Lane) {
	if last != nil {
		last.quarantine(x)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if q := p.held[x]; q.lanes > 0 {
		q.back = true
		p.held[x] = q
		return
	}
	p.free(x)
}

// hold records that a prefix is in quarantine on one more lane.
func (p *Prefixes) hold(x Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(map[Prefix]quarantine)
	}
	q := p.held[x]
	q.lanes++
	p.held[x] = q
}

// lift ends the quarantine of prefixes on a lane: returned ones that are not in
// quarantine elsewhere become free.
func (p *Prefixes) lift(list []Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range list {
		q := p.held[x]
		if q.lanes--; q.lanes > 0 {
			p.held[x] = q
			continue
		}
		delete(p.held, x)
		if q.back {
			p.free(x)
		}
	}
}

// free makes a prefix available again. The caller holds the lock.
func (p *Prefixes) free(x Prefix) {
	s := &p.series[x.Len-1]
	for _, g := range s.groups {
		if g.group == x.Group {
			g.free = append(g.free, x.Value)
			s.free++
			break
		}
	}
}

// isFirst reports whether a prefix is of the first group of its length.
func (p *Prefixes) isFirst(x Prefix) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	groups := p.series[x.Len-1].groups
	return len(groups) > 0 && groups[0].group == x.Group
}

// firstGroup returns the first group of a length; false if there can't be one.
func (p *Prefixes) firstGroup(length int) (group uint32, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := &p.series[length-1]; len(s.groups) > 0 {
		return s.groups[0].group, true
	}
	g := p.fresh(length)
	if g == nil {
		return 0, false
	}
	return g.group, true
}
