package stats

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/naming"
	"farmproxy/work"
)

// total counts for one account, pool, algorithm or group, over all its workers. It stays when
// they move on. Shares are counted in a cell per event loop, and summed on read.
type total struct {
	name  string
	cells []atomic.Pointer[cell] // by loop; nil: no share yet

	mu     sync.Mutex // taken under a Worker's or a ledger's, never the other way round
	miners int        // connected now
	seen   stamp      // when a miner last came or left
	began  stamp      // since when the windows have held all of its work

	grouping *naming.Groups // of a group: those that gave it to a worker last
}

// cell is one event loop's part of a total. Only that loop writes it, so its lock is
// only ever contended while somebody reads.
type cell struct {
	mu     sync.Mutex
	seen   stamp // of the last share
	shares Shares
	work   float64 // accepted, in shares of difficulty 1
	window window

	_ [cacheLine]byte // no other loop's cell shares the last line
}

// Total is a snapshot of what an account, a pool, an algorithm or a group has done.
type Total struct {
	Name     string
	Miners   int // connected now
	Shares   Shares
	Work     float64 // accepted, in shares of difficulty 1
	HashRate float64 // over five minutes, in H/s
}

func (t *total) share(loop int, now time.Time, v work.Verdict, difficulty float64) {
	c := t.cells[loop].Load()
	if c == nil {
		c = new(cell) // once per loop
		t.cells[loop].Store(c)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = stampOf(now)
	c.shares[v]++
	if v != work.Accepted {
		return
	}
	c.work += difficulty
	c.window.add(now, difficulty)
}

// sum adds up the cells: the shares, their work, the work of the last five minutes,
// and the time of the last share.
func (t *total) sum(now time.Time) (shares Shares, done, recent float64, seen stamp) {
	for i := range t.cells {
		c := t.cells[i].Load()
		if c == nil {
			continue
		}
		c.mu.Lock()
		for v, n := range c.shares {
			shares[v] += n
		}
		done += c.work
		recent += c.window.sum(now)
		seen = max(seen, c.seen)
		c.mu.Unlock()
	}
	return shares, done, recent, seen
}

// join adds n miners, which may be negative. With the first one after a while the hash
// rate starts afresh, like a worker's.
func (t *total) join(now time.Time, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = stampOf(now)
	if t.miners == 0 && n > 0 {
		if _, _, recent, _ := t.sum(now); recent == 0 {
			t.began = t.seen
		}
	}
	t.miners += n
}

// info returns what was done. Of a pool, f is what fresh workers have done; nil: it has a
// rate by its own age.
func (t *total) info(now time.Time, f fresh) Total {
	t.mu.Lock()
	defer t.mu.Unlock()
	shares, done, recent, _ := t.sum(now)
	i := Total{Name: t.name, Miners: t.miners, Shares: shares, Work: done}
	if f != nil {
		i.HashRate = f.hashRate(t, recent)
	} else {
		i.HashRate = rateOf(recent, now, t.began.time())
	}
	return i
}

// forgettable reports whether nobody will miss the total.
func (t *total) forgettable(now time.Time, after, stray time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	shares, _, _, shared := t.sum(now)
	if shares[work.Accepted] == 0 {
		after = min(after, stray)
	}
	return t.miners == 0 && now.Sub(max(t.seen, shared).time()) >= after
}

// mining is what a worker mines: for which account, at which pool, with which
// algorithm; and where it does so: in which group, through which listener. Many workers
// share one; it is immutable. A total is nil if there is none, such as the account of a
// miner of the configuration's pools.
type mining struct {
	ledger *ledger
	key    miningKey
	totals [numTotals]*total
}

type miningKey [numLabels]string

// The kinds of totals: the indices of mining.totals, and first of all those of
// miningKey.
const (
	byAccount = iota
	byPool
	byAlgorithm
	byGroup

	numTotals
)

// The label of a worker by which there are no totals.
const (
	byListener = numTotals + iota

	numLabels
)

// group returns the name of the group that is counted; "": none.
func (m *mining) group() string {
	if t := m.totals[byGroup]; t != nil {
		return t.name
	}
	return ""
}

func (m *mining) share(loop int, now time.Time, v work.Verdict, difficulty float64) {
	if m == nil { // the zero Worker, which no book has
		return
	}
	for _, t := range m.totals {
		if t != nil {
			t.share(loop, now, v, difficulty)
		}
	}
}

func (m *mining) join(now time.Time, n int) {
	if m == nil || n == 0 {
		return
	}
	for _, t := range m.totals {
		if t != nil {
			t.join(now, n)
		}
	}
}

// ledger holds the totals. Those of accounts and groups are forgotten like workers; pools
// and algorithms are few, and their counters never decrease.
type ledger struct {
	max     int // accounts; one total counts for all beyond
	loops   int // cells of each total
	forget  time.Duration
	nothing *mining // of a worker that has no mining yet

	groups atomic.Pointer[naming.Groups] // says which group a worker is in
	lately lately

	elsewhere elsewhere

	mu      sync.RWMutex
	minings map[miningKey]*mining
	totals  [numTotals]map[string]*total
	swept   time.Time
	crowd   int       // number of accounts at which strays are next looked for
	thinned time.Time // when strays were last looked for because there was no room for a group
}

func newLedger(max, loops int, forget time.Duration) *ledger {
	l := &ledger{max: max, loops: loops, forget: forget, minings: make(map[miningKey]*mining), crowd: fewNames}
	l.groups.Store(new(naming.Groups))
	l.nothing = &mining{ledger: l}
	for i := range l.totals {
		l.totals[i] = make(map[string]*total)
	}
	return l
}

// get finds or creates the mining for a key. If found, it can't be forgotten for a
// while.
func (l *ledger) get(key miningKey, now time.Time) *mining {
	l.mu.RLock()
	m := l.minings[key]
	if m != nil {
		m.touch(now) // under the lock: sweep checks it under its own
	}
	l.mu.RUnlock()
	if m != nil {
		return m
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.minings[key]; m != nil {
		m.touch(now)
		return m
	}
	if len(l.minings) >= l.max {
		clear(l.minings) // they only save memory: holders keep theirs
	}
	m = &mining{ledger: l}
	for i, name := range key {
		m.key[i] = strings.Clone(name)
	}
	for i := range m.totals {
		m.totals[i] = l.total(i, m.key[i], now, true)
	}
	m.touch(now)
	l.minings[m.key] = m
	return m
}

// touch keeps the account and the group from being forgotten.
func (m *mining) touch(now time.Time) {
	for _, kind := range [...]int{byAccount, byGroup} {
		if t := m.totals[kind]; t != nil {
			t.mu.Lock()
			t.seen = stampOf(now)
			t.mu.Unlock()
		}
	}
}

// total finds or creates a total; the caller holds l.mu. earned says that one of its
// workers has had a share accepted: only groups ask.
func (l *ledger) total(kind int, name string, now time.Time, earned bool) *total {
	if name == "" {
		return nil
	}
	all := l.totals[kind]
	if t := all[name]; t != nil {
		return t
	}
	if kind == byAccount && len(all) >= l.crowd {
		l.drop(byAccount, now, strayMin)
		l.crowd = max(fewNames, 2*len(all))
	}
	room := l.max
	if kind == byGroup {
		room = l.groupRoom(now, earned)
	}
	if len(all) >= room {
		name = Other
		if t := all[name]; t != nil {
			return t
		}
	}
	t := &total{name: name, cells: make([]atomic.Pointer[cell], l.loops)}
	all[name] = t
	return t
}

// sweep forgets accounts and groups that have not been seen for long; at most once per
// sweepEvery.
func (l *ledger) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) < sweepEvery {
		return
	}
	l.swept = now
	l.drop(byAccount, now, strayTime)
	l.drop(byGroup, now, strayTime)
}

// thin forgets the strays left by a flood of names.
func (l *ledger) thin(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.totals[byAccount]) > fewNames {
		l.drop(byAccount, now, strayMin)
	}
}

// drop forgets accounts or groups that nobody will miss; strays go after the given time.
// The caller holds l.mu.
func (l *ledger) drop(kind int, now time.Time, stray time.Duration) {
	for name, t := range l.totals[kind] {
		if t.forgettable(now, l.forget, stray) {
			delete(l.totals[kind], name)
			clear(l.minings) // some of them refer to it
		}
	}
}

// count returns how many totals of a kind there are.
func (l *ledger) count(kind int) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.totals[kind])
}

// list appends the totals of a kind, by name.
func (l *ledger) list(list []*total, kind int) []*total {
	l.mu.RLock()
	list = slices.Grow(list, len(l.totals[kind]))
	for _, t := range l.totals[kind] {
		list = append(list, t)
	}
	l.mu.RUnlock()
	slices.SortFunc(list, func(x, y *total) int { return strings.Compare(x.name, y.name) })
	return list
}

func (l *ledger) info(kind int, name string, now time.Time) Total {
	l.mu.RLock()
	t := l.totals[kind][name]
	l.mu.RUnlock()
	if t == nil {
		return Total{Name: name}
	}
	return t.info(now, nil)
}

// AccountTotal returns what the miners of an account have done since the first was
// seen; nothing if none was.
func (b *Book) AccountTotal(name string) Total { return b.ledger.info(byAccount, name, b.now()) }

// AlgorithmTotal is AccountTotal for an algorithm.
func (b *Book) AlgorithmTotal(name string) Total { return b.ledger.info(byAlgorithm, name, b.now()) }
