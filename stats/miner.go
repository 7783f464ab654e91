package stats

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// linger is how long the series of a miner stay after it left, as the
	// account proxy had it.
	linger = time.Minute

	// maxMiners bounds the books of miners that come and go within linger.
	maxMiners = 200_000
)

// Miner is the books of one miner at one pool, from when it came until it left:
// what the account proxy told of workers. There are none unless
// Settings.Predecessor asks for them. All methods may be called from any
// goroutine, and with a nil *Miner, which counts nothing.
type Miner struct {
	key   minerKey
	tells bool // the newest of its identity; guarded by miners.mu

	mu           sync.Mutex
	open         int   // connections that count here: one
	left         stamp // when the last one closed
	began        stamp // since when the window holds all of its work
	window       window
	sent         uint64
	accepted     uint64
	sentWork     float64 // in shares of difficulty 1
	acceptedWork float64
	difficulty   float64
}

// minerKey is what the series of a miner differ by.
type minerKey struct {
	minerIdentity
	hash, pool string
}

// minerIdentity is what proxy_worker_up differs by: it knows no pool.
type minerIdentity struct{ address, user string }

// OpenMiner returns the books for a miner at address (its host:port) that mines
// an algorithm at a pool under an account's name. nil, which may be used all
// the same, where Settings.Predecessor is false. The pool is one that was given
// to Book.Pool, by name, or any other host:port.
func (b *Book) OpenMiner(address, user, algorithm, pool string) *Miner {
	if !b.settings.Load().Predecessor {
		return nil
	}
	return b.miners.open(minerKey{minerIdentity{address, user}, predecessorHash(algorithm), b.poolAddress(pool)}, b.now())
}

// Sent counts a share that was found for the pool; work is its worth in shares
// of difficulty 1.
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

// Mined counts what the miner's speed is taken from: every share that was
// accepted, at the pool or before it; work is its worth to the miner.
func (m *Miner) Mined(now time.Time, work float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.window.add(now, work)
}

// SetDifficulty notes the difficulty that the miner has from now on.
func (m *Miner) SetDifficulty(d float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.difficulty = d
}

// Close notes that the miner left, or went on to another pool or account. It
// may still be given verdicts of shares that were under way.
func (m *Miner) Close(now time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = max(m.open-1, 0)
	m.left = stampOf(now)
}

// gone reports whether its series are due to go.
func (m *Miner) gone(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open == 0 && now.Sub(m.left.time()) >= linger
}

// miners are the books of all miners.
type miners struct {
	mu    sync.Mutex
	byKey map[minerKey]*Miner
	tells map[minerIdentity]*Miner // whose proxy_worker_up it is
	list  []*Miner                 // in the order they came
	swept time.Time
}

func newMiners() *miners {
	return &miners{byKey: make(map[minerKey]*Miner), tells: make(map[minerIdentity]*Miner)}
}

// open finds or makes the books for a key; nil when there are too many.
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

// sweep drops the miners that left a while ago; at most each time after.
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

// all returns the miners in the order they came, and the ones among them that
// tell whether a worker is up, appended to tell.
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

// predecessorHash is what the account proxy called an algorithm.
func predecessorHash(algorithm string) string {
	if algorithm == "sha256d" || algorithm == "" {
		return "sha256"
	}
	return algorithm
}

// poolAddress is what the account proxy called a pool: its host:port.
func (b *Book) poolAddress(name string) string {
	b.mu.Lock()
	p := b.poolByName[name]
	b.mu.Unlock()
	if p == nil {
		return name
	}
	return cmp.Or(p.address(), name)
}
