package stats

import (
	"sync/atomic"
	"time"
)

// Pool is what is known of one pool, with or without a link. The code that probes and
// dials it writes it; a scrape reads it. The first two fields never change; all others
// may be used from any goroutine.
type Pool struct {
	Name string
	URL  string // without credentials

	Up           atomic.Bool   // the last handshake or probe got a job
	Active       atomic.Bool   // at least one lane is on it
	Extranonce2  atomic.Uint32 // size in bytes; 0 not known yet
	VersionMask  atomic.Uint32
	Probes       atomic.Uint64
	Failures     atomic.Uint64          // attempts and links that failed
	LastError    atomic.Pointer[string] // why it is not Up, a sentence
	NamesRefused atomic.Uint64          // workers that the pool would not authorize

	Certificate atomic.Pointer[PoolCertificate] // nil: not known yet, or it does not matter

	VersionBitsReduced atomic.Uint64 // times that it granted fewer version bits than before

	Quiet            atomic.Bool   // a quiet link to it is up
	Difficulty       atomicFloat   // the last one that it has set on a link that serves miners, or on any while none does; 0 not known yet
	Disconnects      atomic.Uint64 // links that served miners, and ended without farmproxy wanting it
	QuietDisconnects atomic.Uint64 // the same of quiet links: some pools close a link without shares
	Expected         atomicFloat   // the work of all valid shares for its jobs, also of those below its difficulty

	BlocksTold   atomic.Uint64 // blocks that it has told of: see Book.NewBlock
	BlocksFirst  atomic.Uint64 // those that another pool told later
	BlocksMissed atomic.Uint64 // those of others that it did not tell in time
	EmptyBlocks  atomic.Uint64 // those that it told with a job without transactions

	lag        histogram   // behind the pool that told first; of blocks that several pools told
	emptyTime  histogram   // from an empty job for a new block to one with transactions, or to the next block
	empty      atomic.Bool // such a time has begun; changed under Book.blocks.mu
	emptySince time.Time   // when; guarded by it
	listening  listening   // guarded by it

	level     atomic.Int64
	algorithm atomic.Pointer[poolAlgorithm]
	forgotten bool // guarded by Book.mu
}

// PoolCertificate is which of the certificates that a pool has shown last ends first.
// Immutable.
type PoolCertificate struct {
	Ends   time.Time
	Signer string // of the pool's own certificate, whose end it is, or further up; "": the pool's own ends first
	Pinned bool   // tls_fingerprint allows this one only
}

type poolAlgorithm struct {
	name    string
	divider float64
}

// SetAlgorithm sets what is mined at the pool, and the divider of its difficulty for
// shares of difficulty 1; sha256d and 1 until then. Any goroutine.
func (p *Pool) SetAlgorithm(name string, divider float64) {
	p.algorithm.Store(&poolAlgorithm{name, divider})
}

// Algorithm returns the values given to SetAlgorithm. Any goroutine.
func (p *Pool) Algorithm() (name string, divider float64) {
	if a := p.algorithm.Load(); a != nil {
		return a.name, a.divider
	}
	return "sha256d", 1
}

// Level returns the pool's rank: 0 is the most preferred. Any goroutine.
func (p *Pool) Level() int { return int(p.level.Load()) }

// Pool registers a pool with a rank, and returns its books; any goroutine. Registering
// the same pool again changes its rank and returns the same books. Another url under
// the same name takes the pool's place, with books of its own.
func (b *Book) Pool(name, url string, level int) *Pool {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := poolKey{name, url}
	p := b.poolByKey[key]
	if p == nil {
		p = &Pool{Name: name, URL: url}
		b.poolByKey[key] = p
		b.pools = append(b.pools, p)
	}
	if old := b.poolByName[name]; old != nil {
		old.forgotten = true
	}
	b.poolByName[name] = p
	p.forgotten = false
	p.level.Store(int64(level))
	return p
}

// poolKey identifies a pool.
type poolKey struct{ name, url string }

// ForgetPool hides a pool until it is registered again; any goroutine. Holders of its
// books may go on writing them.
func (b *Book) ForgetPool(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.poolByName[name]; p != nil {
		p.forgotten = true
	}
}
