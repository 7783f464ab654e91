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

// series is the groups of one prefix length, in the order they were begun: only
// the last one can have fresh prefixes.
type series struct {
	groups []*prefixes
	rests  int // prefixes that were given back, of all groups
}

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
	x.Len = uint8(length)
	if s.rests > 0 {
		for _, g := range s.groups {
			if x.Group = g.group; p.rested(g, &x) {
				s.rests--
				return x, true
			}
		}
	}
	if n := len(s.groups); n == 0 || s.groups[n-1].fresh == 0 {
		if p.begin(length) == nil {
			return Prefix{}, false
		}
	}
	g := s.groups[len(s.groups)-1]
	x.Group, x.Value = g.group, g.next
	g.fresh--
	g.next = uint16((int(g.next) + 1) % (1 << (8 * length)))
	return x, true
}

// rested takes one of the group's prefixes that have rested; false when there
// is none.
func (p *Prefixes) rested(g *prefixes, x *Prefix) bool {
	for lane, rest := range g.rest {
		if len(rest) == 0 {
			continue
		}
		x.Value = rest[0].value
		if l := p.route.lane(*x); l == nil || rest[0].over(l.cleans.Load()) {
			if g.rest[lane] = rest[1:]; len(rest) == 1 {
				g.rest[lane] = nil
			}
			return true
		}
	}
	return false
}

// over reports that the lane has had a clean job since. Where it never had a
// job at all nobody has worked with the prefix.
func (r *resting) over(cleans uint64) bool { return cleans > r.cleans || cleans == 0 }

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
			p.series[x.Len-1].rests++
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
