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
}

// Pool registers a pool and returns its books; any goroutine. The same pool is
// registered once: a later call gets the same books. Another url or level under
// a name begins new ones in its place.
func (b *Book) Pool(name, url string, level int) *Pool {
	p := &Pool{Name: name, URL: url, Level: level}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, old := range b.pools {
		switch {
		case old.Name != name:
		case old.URL == url && old.Level == level:
			return old
		default:
			b.pools[i] = p
			return p
		}
	}
	b.pools = append(b.pools, p)
	return p
}
