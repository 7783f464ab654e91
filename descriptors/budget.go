// Package descriptors divides the process's file descriptors. Code that opens many of
// something asks first, so that no accept or dial ever runs out: if that happened the
// event loops would end, and all miners with them.
//
//	limit = standing | kept for links | everybody's
//	                 └────────── Take ───────────┘
//
// Standing is what is always open: loops, listeners, HTTP, the database, files, and
// some to spare for short-lived ones. Miners never take what is kept for links, since
// a miner without a link can't work. From the free rest, links for waiting miners come
// before links that would replace another, and those before probes.
//
// It opens nothing itself.
package descriptors

import (
	"errors"
	"sync"
)

// ErrFew reports that there are fewer descriptors than the process before this one has
// open. A new process inherits the limit of the one that starts it.
var ErrFew = errors.New("the limit of open files is too low for the connections of the running farmproxy: raise it for that process (prlimit --nofile), and LimitNOFILE in the unit")

// Use is what a descriptor is for.
type Use uint8

const (
	Miner  Use = iota // a miner's connection, or an agent's
	Link              // a link of a lane that has none
	Second            // a link that will replace a working one
	Probe             // a probe of a pool that no lane uses

	uses = int(Probe) + 1
)

// The fraction of the part kept for links that must stay free after a use takes any:
// it is reserved for the uses before it.
var leaves = [uses]struct{ one, in int }{
	Miner:  {0, 1}, // but see Budget.may: all of it that links do not hold
	Link:   {0, 1},
	Second: {1, 32},
	Probe:  {1, 16},
}

// Budget is the descriptors to divide. All methods may be called from any goroutine.
// The nil Budget is unlimited.
type Budget struct {
	limit uint64

	mu       sync.Mutex
	standing int
	total    int // to divide
	links    int // part of total that is kept for links
	used     [uses]int
	others   int // open without having been taken
}

// New returns the budget of a process that may open limit descriptors, of which
// standing are not divided and links are kept for links.
func New(limit uint64, standing, links int) *Budget {
	b := &Budget{limit: limit}
	b.Stand(standing)
	b.Keep(links)
	return b
}

// With returns how many would be divided if so many were standing.
func (b *Budget) With(standing int) int {
	if b.limit <= uint64(standing) {
		return 0
	}
	return int(min(b.limit-uint64(standing), 1<<30))
}

// Stand changes how many are standing. Those already taken stay taken.
func (b *Budget) Stand(standing int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.standing, b.total = standing, b.With(standing)
	b.links = min(b.links, b.total)
}

// Total returns how many are divided.
func (b *Budget) Total() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}

// Keep changes how many are kept for links. Those already taken stay taken.
func (b *Budget) Keep(links int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.links = min(links, b.total)
}

// Miners returns how many miners there is room for.
func (b *Budget) Miners() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total - b.links
}

// Take takes n descriptors for a use; false if too few are available to it now. Give
// returns them.
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

// may is the policy. The caller holds mu.
func (b *Budget) may(use Use, n int) bool {
	links := b.used[Link] + b.used[Second] + b.used[Probe]
	free := b.total - b.others - b.used[Miner] - links
	if use == Miner {
		return n <= free-max(0, b.links-links)
	}
	l := leaves[use]
	return n <= free-b.links*l.one/l.in
}

// Inherit takes n descriptors that the process before this one had open, for the same
// use. They may be some that are kept for others, as those that are taken when a reload
// keeps more. ErrFew if all together are too few: then nothing may be handed over, since
// who is refused here would be disconnected.
func (b *Budget) Inherit(use Use, n int) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	free := b.total - b.others
	for _, used := range b.used {
		free -= used
	}
	if n > free {
		return ErrFew
	}
	b.used[use] += n
	return nil
}

// Give returns n descriptors that have been closed.
func (b *Budget) Give(use Use, n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[use] -= n
}

// Nearly reports whether few are left: it is time to count those open (Open).
func (b *Budget) Nearly() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := b.others
	for _, n := range b.used {
		sum += n
	}
	return sum >= b.total-b.total/8
}

// Open takes the number of descriptors that are really open. Those beyond the ones
// taken and standing are not available.
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
