// Package descriptors shares out the process's file descriptors. Whoever opens
// something that there may be many of asks first, so that an accept or a dial never
// finds none left: the event loops end where that happens, and all miners with them.
//
//	limit = standing | kept for links | everybody's
//	                 └────────── Take ───────────┘
//
// Standing is what is there whatever happens: loops, listeners, HTTP, the database,
// files, and some to spare for what lasts a moment. Miners never take what is kept
// for links, since a miner without a link can't work. Of what is free, links for
// miners that wait come before those that are to take another's place, and these
// before probes.
//
// It opens nothing itself.
package descriptors

import "sync"

// Use is what descriptors are wanted for.
type Use uint8

const (
	Miner  Use = iota // a miner's connection, or an agent's
	Link              // a link of a lane that has none
	Second            // a link that is to take the place of one that serves
	Probe             // a look at a pool that no lane is on

	uses = int(Probe) + 1
)

// What must be left of the part that is kept for links, as a fraction, for a use to
// get any: so much is for the uses before it.
var leaves = [uses]struct{ one, in int }{
	Miner:  {0, 1}, // but see Budget.may: the whole part, as far as links do not have it
	Link:   {0, 1},
	Second: {1, 32},
	Probe:  {1, 16},
}

// Budget is the descriptors that are shared out. All methods may be called from any
// goroutine. The nil Budget has no bound.
type Budget struct {
	standing int
	total    int // to be shared out

	mu     sync.Mutex
	links  int // of the total: kept for links
	used   [uses]int
	others int // that are open and nobody has asked for
}

// New returns the budget of a process that may have limit descriptors, of which
// standing are not shared out, and links are kept for links.
func New(limit uint64, standing, links int) *Budget {
	total := 0
	if limit > uint64(standing) {
		total = int(min(limit-uint64(standing), 1<<30))
	}
	return &Budget{standing: standing, total: total, links: min(links, total)}
}

// Total returns how many are shared out.
func (b *Budget) Total() int { return b.total }

// Keep keeps so many for links from now on. Who has some keeps them.
func (b *Budget) Keep(links int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.links = min(links, b.total)
}

// Miners returns for how many miners there is room.
func (b *Budget) Miners() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total - b.links
}

// Take takes n descriptors for a use; false when there are too few for it now. What
// was taken is given back with Give.
func (b *Budget) Take(use Use, n int) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.may(use, n) {
		return false
	}
	b.used[use] += n
	return true
}

// may is the policy. The caller has mu.
func (b *Budget) may(use Use, n int) bool {
	links := b.used[Link] + b.used[Second] + b.used[Probe]
	free := b.total - b.others - b.used[Miner] - links
	if use == Miner {
		return n <= free-max(0, b.links-links)
	}
	l := leaves[use]
	return n <= free-b.links*l.one/l.in
}

// Give gives back n descriptors that are closed.
func (b *Budget) Give(use Use, n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[use] -= n
}

// Nearly reports that little is left: it is time to count (Open).
func (b *Budget) Nearly() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := b.others
	for _, n := range b.used {
		sum += n
	}
	return sum >= b.total-b.total/8
}

// Open says how many descriptors are really open. What is more than was asked for,
// and more than stands, is not shared out.
func (b *Budget) Open(n int) (others int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.others = n - b.standing
	for _, used := range b.used {
		b.others -= used
	}
	b.others = max(0, b.others)
	return b.others
}
