package stats

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// linger is how long a miner's series stay after it has left, as in the account
	// proxy.
	linger = time.Minute

	// maxMiners bounds the books of miners that come and go within linger.
	maxMiners = 200_000
)

// Miner is the books of one miner at one pool, from its arrival to its departure: what
// the account proxy reported of workers. There are none unless Settings.Predecessor
// asks for them. All methods may be called from any goroutine, and on a nil *Miner,
// which counts nothing.
type Miner struct {
	key   minerKey
	tells bool // it is the newest of its identity; guarded by miners.mu

	mu           sync.Mutex
	open         int   // connections counted here: one
	left         stamp // when the last one closed
	began        stamp // since when the window has held all of its work
	window       window
	sent         uint64
	accepted     uint64
	sentWork     float64 // in shares of difficulty 1
	acceptedWork float64
	difficulty   float64
}

// minerKey identifies a miner's series.
type minerKey struct {
	minerIdentity
	hash, pool string
}

// minerIdentity identifies a series of proxy_worker_up, which has no pool.
type minerIdentity struct{ address, user string }

// OpenMiner returns the books for a miner at address (its host:port) that mines an
// algorithm at a pool under an account's name. If Settings.Predecessor is false it
// returns nil, which may be used all the same. The pool is the name of one given to
// Book.Pool, or any other host:port.
func (b *Book) OpenMiner(address, user, algorithm, pool string) *Miner {
	if !b.settings.Load().Predecessor {
		return nil
	}
	return b.miners.open(minerKey{minerIdentity{address, user}, predecessorHash(algorithm), b.poolAddress(pool)}, b.now())
}

// OpenedMiner returns the books that OpenMiner has opened for a miner in a process that
// handed it over; nil if there are none. Close them once.
func (b *Book) OpenedMiner(address, user, algorithm, pool string) *Miner {
	key := minerKey{minerIdentity{address, user}, predecessorHash(algorithm), b.poolAddress(pool)}
	b.miners.mu.Lock()
	defer b.miners.mu.Unlock()
	return b.miners.byKey[key]
}

// Sent counts a share found for the pool; work is its worth in shares of difficulty 1.
func (m *Miner) Sent(work float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent++
	m.sentWork += work
}

// Accepted counts a share that the pool accepted; work is its worth to the pool.
func (m *Miner) Accepted(work float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accepted++
	m.acceptedWork += work
}

// Mined counts a share towards the miner's speed: every accepted share, whether or not
// it went to the pool; work is its worth to the miner.
func (m *Miner) Mined(now time.Time, work float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.window.add(now, work)
}

// SetDifficulty sets the difficulty that the miner has from now on.
func (m *Miner) SetDifficulty(d float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.difficulty = d
}

// Close records that the miner left, or moved to another pool or account. Verdicts on
// its pending shares may still be counted.
func (m *Miner) Close(now time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = max(m.open-1, 0)
	m.left = stampOf(now)
}

// gone reports whether it is time to drop its series.
func (m *Miner) gone(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open == 0 && now.Sub(m.left.time()) >= linger
}

// miners are the books of all miners.
type miners struct {
	mu    sync.Mutex
	byKey map[minerKey]*Miner
	tells map[minerIdentity]*Miner // the one that reports proxy_worker_up
	list  []*Miner                 // in order of arrival
	swept time.Time
}

func newMiners() *miners {
	return &miners{byKey: make(map[minerKey]*Miner), tells: make(map[minerIdentity]*Miner)}
}

// open finds or creates the books for a key; nil if there are too many.
func (s *miners) open(key minerKey, now time.Time) *Miner {
	s.sweep(now, sweepEvery)
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.byKey[key]
	if m == nil {
		if len(s.list) >= maxMiners {
			return nil
		}
		key.address, key.user = strings.Clone(key.address), strings.Clone(key.user)
		key.hash, key.pool = strings.Clone(key.hash), strings.Clone(key.pool)
		m = &Miner{key: key}
		s.byKey[key] = m
		s.list = append(s.list, m)
	}
	if old := s.tells[key.minerIdentity]; old != nil {
		old.tells = false
	}
	m.tells = true
	s.tells[m.key.minerIdentity] = m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open++
	if m.window.sum(now) == 0 {
		m.began = stampOf(now)
	}
	return m
}

// sweep drops the miners that left a while ago; at most once per after.
func (s *miners) sweep(now time.Time, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) < after {
		return
	}
	s.swept = now
	if !slices.ContainsFunc(s.list, func(m *Miner) bool { return m.gone(now) }) {
		return
	}
	kept := make([]*Miner, 0, len(s.list)) // a new array: a reader may hold the old one
	for _, m := range s.list {
		if !m.gone(now) {
			kept = append(kept, m)
			continue
		}
		delete(s.byKey, m.key)
		if s.tells[m.key.minerIdentity] == m {
			delete(s.tells, m.key.minerIdentity)
		}
	}
	s.list = kept
}

// all returns the miners in order of arrival, and tell with those appended that report
// whether a worker is up.
func (s *miners) all(tell []*Miner) (all, _ []*Miner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tell = slices.Grow(tell, len(s.tells))
	for _, m := range s.list {
		if m.tells {
			tell = append(tell, m)
		}
	}
	return s.list[:len(s.list):len(s.list)], tell
}

// predecessorHash is the account proxy's name for an algorithm.
func predecessorHash(algorithm string) string {
	if algorithm == "sha256d" || algorithm == "" {
		return "sha256"
	}
	return algorithm
}

// poolAddress is the account proxy's name for a pool: its host:port.
func (b *Book) poolAddress(name string) string {
	b.mu.Lock()
	p := b.poolByName[name]
	b.mu.Unlock()
	if p == nil {
		return name
	}
	return cmp.Or(p.address(), name)
}
