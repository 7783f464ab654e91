package stats

import "sync/atomic"

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

	VersionBitsReduced atomic.Uint64 // times that it granted fewer version bits than before

	level     atomic.Int64
	algorithm atomic.Pointer[poolAlgorithm]
	forgotten bool // guarded by Book.mu
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
