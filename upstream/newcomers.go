package upstream

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// newcomersEach is how many lanes on demand miners of one address may have that
	// have not handed in a share that counts. As many more may have one for each that
	// has: a thousand users behind one address that all work are in after five rounds,
	// each as long as a share takes, and one that only invents names stays where it
	// began.
	newcomersEach = 64

	// groupsEach is that for the lanes of further groups of prefixes, which have 256
	// miners each at least.
	groupsEach = 4

	// newcomerTime is how long a newcomer has its lane for certain: others of its
	// address wait so long. Ten times what a share takes at the usual rate.
	newcomerTime = 2 * time.Minute
)

// newcomers says which lanes may have a link: those that are opened by whoever comes,
// and would be opened by whoever invents names. A lane is a newcomer until a share
// that counts was handed in on it.
//
//	enter ──> admitted, a newcomer ──earn──> has earned its place ──leave──>
//	  │            └── displaced by another, when it is one of the oldest of
//	  │                the address that has most
//	  └──> not now: ask again
//
// Bounds: each address has a number of newcomers, all together half of the places. At
// the first bound the oldest of that address gives way once it has had its time; at
// the second the oldest of whoever has most. So one address keeps out itself, and
// many that do not work can't keep out one that does.
//
// It is a pure table, of lanes by address; mu guards it.
type newcomers struct {
	each int // newcomers of one address before any of its lanes has earned its place
	max  int // places in all

	mu     sync.Mutex
	fresh  int   // newcomers
	sizes  []int // how many addresses have so many newcomers
	proven int   // lanes that have earned their places
	homes  map[netip.Prefix]*home
	places map[*Lane]*place
}

// home is an address that lanes were opened from.
type home struct {
	from   netip.Prefix
	proven int
	fresh  []*Lane // newcomers, the oldest first
}

// most returns how many newcomers the address has that has most.
func (n *newcomers) most() int {
	for len(n.sizes) > 0 && n.sizes[len(n.sizes)-1] == 0 {
		n.sizes = n.sizes[:len(n.sizes)-1]
	}
	return max(0, len(n.sizes)-1)
}

// resize notes that an address had so many newcomers, and has others now.
func (n *newcomers) resize(before int, h *home) {
	now := len(h.fresh)
	for len(n.sizes) <= max(before, now) {
		n.sizes = append(n.sizes, 0)
	}
	if before > 0 {
		n.sizes[before]--
	}
	if now > 0 {
		n.sizes[now]++
	}
}

// place is what a lane has.
type place struct {
	*home
	since  time.Time
	proven bool
}

func newNewcomers(each, max int) *newcomers {
	return &newcomers{each: each, max: max, homes: make(map[netip.Prefix]*home), places: make(map[*Lane]*place)}
}

// homeOf returns what counts as one address: of IPv6 what one customer gets.
func homeOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // of no address: of none
	return p
}

// enter asks for a place for a lane that a miner at an address opened. proven says
// that it needs no share any more: a worker with a record is on it. displaced is the
// lane that has to give way, if any.
func (n *newcomers) enter(l *Lane, from netip.Prefix, proven bool, now time.Time) (ok bool, displaced *Lane) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.places[l] != nil {
		return true, nil
	}
	h := n.homes[from]
	if h == nil {
		h = &home{from: from}
	}
	if displaced, ok = n.makeRoom(h, proven, now); !ok {
		return false, nil
	}
	if displaced != nil {
		n.remove(displaced)
	}
	n.homes[from] = h
	n.places[l] = &place{home: h, since: now, proven: proven}
	if proven {
		h.proven++
		n.proven++
	} else {
		h.fresh = append(h.fresh, l)
		n.resize(len(h.fresh)-1, h)
		n.fresh++
	}
	return true, displaced
}

// makeRoom says whether there is room for one more lane of an address, and which has
// to give way for it. The caller has mu.
func (n *newcomers) makeRoom(h *home, proven bool, now time.Time) (displaced *Lane, ok bool) {
	full := n.proven+n.fresh >= n.max
	switch {
	case !proven && h.from.IsValid() && len(h.fresh) >= n.each+h.proven:
		return n.oldest(h, now)
	case !full && (proven || n.fresh < (n.max+1)/2):
		return nil, true
	}
	switch most := n.most(); {
	case most == 0:
		return nil, false // all work
	case proven, most > len(h.fresh)+1:
		return n.greediest(most), true
	}
	return n.oldest(h, now)
}

// greediest returns the oldest newcomer of an address that has so many.
func (n *newcomers) greediest(most int) *Lane {
	for _, h := range n.homes {
		if len(h.fresh) == most {
			return h.fresh[0]
		}
	}
	return nil
}

// oldest returns the oldest newcomer of an address, if it has had its time.
func (n *newcomers) oldest(h *home, now time.Time) (l *Lane, ok bool) {
	if len(h.fresh) == 0 || now.Sub(n.places[h.fresh[0]].since) < newcomerTime {
		return nil, false
	}
	return h.fresh[0], true
}

// earn notes that a share that counts was handed in on a lane.
func (n *newcomers) earn(l *Lane) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[l]
	if p == nil || p.proven {
		return
	}
	p.proven = true
	n.drop(p.home, l)
	p.home.proven++
	n.fresh--
	n.proven++
}

// leave gives a lane's place back, if it has one.
func (n *newcomers) leave(l *Lane) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.remove(l)
}

// remove takes a lane out. The caller has mu.
func (n *newcomers) remove(l *Lane) {
	p := n.places[l]
	if p == nil {
		return
	}
	delete(n.places, l)
	if p.proven {
		p.home.proven--
		n.proven--
	} else {
		n.drop(p.home, l)
		n.fresh--
	}
	if p.home.proven == 0 && len(p.fresh) == 0 {
		delete(n.homes, p.from)
	}
}

// drop takes a lane out of the newcomers of an address.
func (n *newcomers) drop(h *home, l *Lane) {
	for i, other := range h.fresh {
		if other == l {
			h.fresh = append(h.fresh[:i], h.fresh[i+1:]...)
			n.resize(len(h.fresh)+1, h)
			return
		}
	}
}

// full reports that there is no place left, whoever comes.
func (n *newcomers) full() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fresh+n.proven >= n.max
}

// taken returns how many places are taken.
func (n *newcomers) taken() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fresh + n.proven
}
