package stats

import "sync/atomic"

// Pool is what is known of one pool, link or no link. Who probes and dials it
// writes it; a scrape reads it. All fields but the first three may be used from
// any goroutine; those never change.
type Pool struct {
	Name  string
	URL   string // without credentials
	Level int    // 0 is the most preferred

	Up           atomic.Bool   // the last handshake or probe got a job
	Active       atomic.Bool   // at least one lane is on it
	Extranonce2  atomic.Uint32 // size in bytes; 0 not known yet
	VersionMask  atomic.Uint32
	Probes       atomic.Uint64
	Failures     atomic.Uint64          // attempts and links that failed
	LastError    atomic.Pointer[string] // why it is not Up, a sentence
	NamesRefused atomic.Uint64          // workers that the pool would not authorize

	VersionBitsReduced atomic.Uint64 // times that it gave fewer version bits than before

	algorithm atomic.Pointer[poolAlgorithm]
	forgotten bool // guarded by Book.mu
}

type poolAlgorithm struct {
	name    string
	divider float64
}

// SetAlgorithm notes what is mined at the pool, and what its difficulty is
// divided by for shares of difficulty 1; sha256d and 1 until then. Any
// goroutine.
func (p *Pool) SetAlgorithm(name string, divider float64) {
	p.algorithm.Store(&poolAlgorithm{name, divider})
}

// Algorithm returns what SetAlgorithm was told. Any goroutine.
func (p *Pool) Algorithm() (name string, divider float64) {
	if a := p.algorithm.Load(); a != nil {
		return a.name, a.divider
	}
	return "sha256d", 1
}

// Pool registers a pool and returns its books; any goroutine. The same pool is
// registered once: a later call gets the same books. Another url or level under
// a name begins new ones in its place.
func (b *Book) Pool(name, url string, level int) *Pool {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.poolByName[name]
	if old != nil && old.URL == url && old.Level == level {
		old.forgotten = false
		return old
	}
	p := &Pool{Name: name, URL: url, Level: level}
	b.poolByName[name] = p
	for i := range b.pools {
		if b.pools[i] == old {
			b.pools[i] = p
			return p
		}
	}
	b.pools = append(b.pools, p)
	return p
}

// ForgetPool takes a pool out of what is shown, until it is registered again;
// any goroutine. Who has its books may go on writing them.
func (b *Book) ForgetPool(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.poolByName[name]; p != nil {
		p.forgotten = true
	}
}
