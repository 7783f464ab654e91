package upstream

import "sync"

// Prefixes hands out prefixes, in groups of 65,536 (256 where they have one
// byte only). All methods may be called from any goroutine.
//
// A prefix that is given back rests until its lane has had its next clean job:
// by then no share of a job that its last miner worked on can be accepted any
// more, so its next miner can't be taken for a duplicate of it.
type Prefixes struct {
	route *Route
	first uint16

	mu     sync.Mutex
	series [2]series // by length - 1
}

// series is the groups of one prefix length, in the order they were begun.
type series struct{ groups []*prefixes }

// prefixes is one group's.
type prefixes struct {
	group uint32
	fresh int         // how many were never handed out
	next  uint16      // the next of these
	rest  [][]resting // those given back, by lane, the longest ago first
}

// resting is a prefix that was given back.
type resting struct {
	value  uint16
	cleans uint64 // the lane's count then: it must grow
}

// Take returns a free prefix of length bytes, 1 or 2. When the groups of that
// length are used up the next one begins; false when the route has as many
// lanes as it may.
func (p *Prefixes) Take(length int) (x Prefix, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.series[length-1]
	for _, g := range s.groups {
		if value, ok := p.from(g, length); ok {
			return Prefix{Group: g.group, Value: value, Len: uint8(length)}, true
		}
	}
	g := p.begin(length)
	if g == nil {
		return Prefix{}, false
	}
	value, _ := p.from(g, length)
	return Prefix{Group: g.group, Value: value, Len: uint8(length)}, true
}

// from takes one of a group's: one that has rested, else a fresh one.
func (p *Prefixes) from(g *prefixes, length int) (value uint16, ok bool) {
	for lane, rest := range g.rest {
		if len(rest) == 0 {
			continue
		}
		x := Prefix{Group: g.group, Value: rest[0].value}
		if l := p.route.lane(x); l == nil || rest[0].rested(l.cleans.Load()) {
			if g.rest[lane] = rest[1:]; len(rest) == 1 {
				g.rest[lane] = nil
			}
			return x.Value, true
		}
	}
	if g.fresh == 0 {
		return 0, false
	}
	value = g.next
	g.fresh--
	g.next = uint16((int(g.next) + 1) % (1 << (8 * length)))
	return value, true
}

// rested reports that the lane has had a clean job since. Where it never had a
// job at all nobody has worked with the prefix.
func (r *resting) rested(cleans uint64) bool { return cleans > r.cleans || cleans == 0 }

// Release gives a prefix back that no miner has any more.
func (p *Prefixes) Release(x Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := resting{value: x.Value}
	if l := p.route.lane(x); l != nil {
		r.cleans = l.cleans.Load()
	}
	for _, g := range p.series[x.Len-1].groups {
		if g.group == x.Group {
			lane := int(x.Value) % len(g.rest)
			g.rest[lane] = append(g.rest[lane], r)
			return
		}
	}
}

// firstGroup returns the lanes of the first group of a length; nil when there
// can't be any.
func (p *Prefixes) firstGroup(length int) *group {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.series[length-1]
	if len(s.groups) == 0 && p.begin(length) == nil {
		return nil
	}
	return (*p.route.groups.Load())[s.groups[0].group]
}

// begin begins the next group of a length; nil when there is no room for its
// lanes. The caller has the lock, and only here groups are added.
//
// Each group of 2-byte prefixes has the lanes that the pools' links ask for, as
// has the first one of 1-byte prefixes; further ones of these have one lane
// each: they are many as it is.
func (p *Prefixes) begin(length int) *prefixes {
	s := &p.series[length-1]
	groups := *p.route.groups.Load()
	width := p.route.links
	if length == 1 && len(s.groups) > 0 {
		width = 1
	}
	left := maxLinks
	for _, g := range groups {
		left -= g.width
	}
	if width = min(width, left); width == 0 {
		return nil
	}
	g := &prefixes{
		group: uint32(len(groups)),
		fresh: 1 << (8 * length),
		rest:  make([][]resting, width),
	}
	if len(s.groups) == 0 {
		g.next = uint16(int(p.first) % (1 << (8 * length)))
	}
	s.groups = append(s.groups, g)
	list := append(groups[:len(groups):len(groups)], &group{length: length, width: width})
	p.route.groups.Store(&list)
	return g
}
