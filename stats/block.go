package stats

import (
	"slices"
	"sync"
	"time"
)

// Pools are compared by their news: a pool tells of a block with the first job that
// builds on it. Blocks are known by their hashes, so that pools of different chains are
// never compared with each other.

const (
	// keptBlocks is how many blocks are remembered: five hours of Bitcoin, and 32 blocks
	// of whatever else is mined here. A pool that tells of an older one has no lag: its
	// news is as good as none.
	keptBlocks = 32

	// maxTellers bounds the pools that are compared about one block: four times as many
	// as a configuration may have. Those of accounts beyond are not compared.
	maxTellers = 256

	// missedAfter is when a pool has missed a block that another pool has told: its
	// miners have then worked on an old one for a tenth of a block's time.
	missedAfter = time.Minute
)

// blocks are the last blocks that pools have told of, the newest last.
type blocks struct {
	mu   sync.Mutex // guards all below, and each Pool's listening; held for a few comparisons
	last []*block
}

// block is a block and which pools have told of it.
type block struct {
	hash     [32]byte
	tellings []telling // in the order in which they came
	awaited  []*Pool   // have not told yet, and should
}

// telling is one pool's news of a block.
type telling struct {
	pool   *Pool
	at     time.Time
	empty  bool      // its first job had no transactions
	filled time.Time // when a job with some came; zero: not yet
}

// listening is what blocks know of a pool's links.
type listening struct {
	links int       // that are up
	since time.Time // when the first of them came up
}

// Listen notes that a link to the pool is up, and will hear of new blocks, until
// Unlisten. Any goroutine.
func (b *Book) Listen(p *Pool, now time.Time) {
	b.blocks.mu.Lock()
	defer b.blocks.mu.Unlock()
	if p.listening.links++; p.listening.links == 1 {
		p.listening.since = now
	}
}

// Unlisten notes the end of such a link.
func (b *Book) Unlisten(p *Pool) {
	b.blocks.mu.Lock()
	defer b.blocks.mu.Unlock()
	p.listening.links--
}

// NewBlock takes the news of a block: a job came from the pool, at that time, that builds
// on a block other than the link's jobs before. empty says that the job has no
// transactions. Several links of a pool may have the same news: the first one counts. Any
// goroutine, also an event loop.
func (b *Book) NewBlock(p *Pool, hash [32]byte, empty bool, now time.Time) {
	s := &b.blocks
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.find(hash)
	if x == nil {
		s.settle(now)
		x = s.begin(hash, p)
	}
	if len(x.tellings) == maxTellers || x.telling(p) != nil {
		return
	}
	p.filled(now)
	p.BlocksTold.Add(1)
	if empty {
		p.EmptyBlocks.Add(1)
		p.emptySince = now
		p.empty.Store(true)
	}
	x.awaited = slices.DeleteFunc(x.awaited, func(o *Pool) bool { return o == p })
	x.tellings = append(x.tellings, telling{pool: p, at: now, empty: empty})
	first := &x.tellings[0]
	if len(x.tellings) == 2 { // from now on there is something to compare
		first.pool.BlocksFirst.Add(1)
		first.pool.lag.observe(0)
	}
	if len(x.tellings) > 1 {
		p.lag.observe(now.Sub(first.at))
	}
}

// Empty reports whether the pool's last block has had no job with transactions yet: then
// Filled wants to know of one. Any goroutine.
func (p *Pool) Empty() bool { return p.empty.Load() }

// Filled takes the news that the pool has sent a job with transactions. Any goroutine, also
// an event loop.
func (b *Book) Filled(p *Pool, now time.Time) {
	s := &b.blocks
	s.mu.Lock()
	defer s.mu.Unlock()
	p.filled(now)
	for _, x := range slices.Backward(s.last) {
		if t := x.telling(p); t != nil {
			if t.empty && t.filled.IsZero() {
				t.filled = now
			}
			return
		}
	}
}

// filled ends the time in which the pool's miners work on an empty block. The caller has
// Book.blocks.mu.
func (p *Pool) filled(now time.Time) {
	if p.empty.Swap(false) {
		p.emptyTime.observe(now.Sub(p.emptySince))
	}
}

// find returns the block with that hash; nil: nobody has told of it. The caller has mu, as
// for all that follows.
func (s *blocks) find(hash [32]byte) *block {
	for _, x := range slices.Backward(s.last) {
		if x.hash == hash {
			return x
		}
	}
	return nil
}

// begin adds a block that one pool has told of. It is awaited of the pools on the same
// chain: those that have told of another block that this pool knew too.
func (s *blocks) begin(hash [32]byte, teller *Pool) *block {
	x := &block{hash: hash}
	for _, before := range s.last {
		if before.telling(teller) == nil {
			continue
		}
		for i := range before.tellings {
			p := before.tellings[i].pool
			if p != teller && p.listening.links > 0 && !slices.Contains(x.awaited, p) {
				x.awaited = append(x.awaited, p)
			}
		}
	}
	if len(s.last) == keptBlocks {
		s.last = slices.Delete(s.last, 0, 1)
	}
	s.last = append(s.last, x)
	return x
}

// settle counts a block as missed by those that should have told it long ago, and had a
// link all the time.
func (s *blocks) settle(now time.Time) {
	for _, x := range s.last {
		if len(x.awaited) == 0 || now.Sub(x.began()) < missedAfter {
			continue
		}
		for _, p := range x.awaited {
			if p.listening.links > 0 && !p.listening.since.After(x.began()) {
				p.BlocksMissed.Add(1)
			}
		}
		x.awaited = nil
	}
}

// began returns when the first pool told of the block.
func (x *block) began() time.Time { return x.tellings[0].at }

// telling returns a pool's news of the block; nil: it has not told.
func (x *block) telling(p *Pool) *telling {
	for i := range x.tellings {
		if x.tellings[i].pool == p {
			return &x.tellings[i]
		}
	}
	return nil
}
