package proxy

import (
	"crypto/tls"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"farmproxy/config"
	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/store"
	"farmproxy/upstream"
	"farmproxy/wish"
	"farmproxy/work"
)

// table is what the directory knows: the configuration's pools, which serve everyone
// whose login is not an account's, and the store's accounts, which are turned into
// pools on request. It is immutable.
type table struct {
	others   upstream.Everybody
	accounts *store.Snapshot // nil: none
	tls      *tlsConfigs
}

// Entry implements upstream.Table.
func (t table) Entry(name string) (upstream.Entry, bool) {
	if t.accounts == nil {
		return upstream.Entry{}, false
	}
	account := t.accounts.Account(name)
	if account == nil {
		return upstream.Entry{}, false
	}
	return t.entry(account)
}

// entry returns the entry that an account makes; false: its pool is not known.
func (t table) entry(account *store.Account) (upstream.Entry, bool) {
	e := upstream.Entry{Name: account.Name}
	for i := range account.Goals {
		g := &account.Goals[i]
		if pools := t.pools(account, g.Pools); len(pools) > 0 {
			e.Goals = append(e.Goals, upstream.GoalEntry{Name: g.Name, Weight: g.Weight, Pools: pools})
		}
	}
	if e.Goals == nil {
		pools := t.pools(account, []store.GoalPool{{Pool: account.Pool}})
		if pools == nil {
			return upstream.Entry{}, false
		}
		e.Goals = upstream.Whole(pools...)
	}
	return e, true
}

// pools are those that an account works at; the store keeps none that is not known.
func (t table) pools(account *store.Account, at []store.GoalPool) (list []upstream.Pool) {
	for _, g := range at {
		if pool := t.accounts.Pool(g.Pool); pool != nil {
			a := account.At(g)
			list = append(list, t.tls.storePool(&a, pool, algorithm(t.accounts, pool.Algorithm)))
		}
	}
	return list
}

// poolNames yields the names of all pools, some of them several times: the
// configuration's, and the store's addresses.
func (t table) poolNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range t.configured() {
			if !yield(name) {
				return
			}
		}
		if t.accounts == nil {
			return
		}
		for p := range t.accounts.Pools() {
			if !yield(p.Address) {
				return
			}
		}
	}
}

// configured yields the names of the configuration's pools.
func (t table) configured() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range t.others {
			for _, g := range e.Goals {
				for i := range g.Pools {
					if !yield(g.Pools[i].Name) {
						return
					}
				}
			}
		}
	}
}

// hasPool reports whether there is a pool of that name: in the configuration, or in the
// store.
func (t table) hasPool(name string) bool {
	if t.accounts != nil && t.accounts.Pool(name) != nil {
		return true
	}
	for known := range t.configured() {
		if known == name {
			return true
		}
	}
	return false
}

// Others implements upstream.Table.
func (t table) Others() []upstream.Entry { return t.others }

// URLs implements upstream.Table.
func (t table) URLs() []string {
	urls := t.others.URLs()
	if t.accounts == nil {
		return urls
	}
	used := make(map[string]bool)
	use := func(address string) {
		if pool := t.accounts.Pool(address); pool != nil && !used[pool.Address] {
			used[pool.Address] = true
			if url := storeURL(pool); !slices.Contains(urls, url) {
				urls = append(urls, url)
			}
		}
	}
	for account := range t.accounts.Accounts() {
		use(account.Pool)
		for i := range account.Goals {
			for _, g := range account.Goals[i].Pools {
				use(g.Pool)
			}
		}
	}
	return urls
}

// tables passes each change of the configuration's pools and of the store's accounts to
// the directory, as one table, and has the books hide pools that are in neither any more.
//
// A change waits for a directory that stands still, as in an upgrade. Who only reads must
// not: orders are read under their own lock, which the upgrade needs before it can go on.
type tables struct {
	directory *upstream.Directory
	book      *stats.Book
	tls       tlsConfigs

	changing sync.Mutex // held until the directory has a change
	now      atomic.Pointer[table]
}

// change derives the next table from the last one.
func (t *tables) change(with func(*table)) {
	t.changing.Lock()
	defer t.changing.Unlock()
	before := t.known()
	next := before
	with(&next)
	t.now.Store(&next)
	t.directory.Set(next)
	for name := range before.poolNames() {
		if !next.hasPool(name) {
			t.book.ForgetPool(name)
		}
	}
}

// known returns the table as of the last change.
func (t *tables) known() table {
	if now := t.now.Load(); now != nil {
		return *now
	}
	return table{tls: &t.tls}
}

// accountRoute returns the route of an account; false: there is no such account.
func (t *tables) accountRoute(account string) (r wish.Route, there bool) {
	e, there := t.known().Entry(account)
	if account == "" || !there {
		return r, false
	}
	r.Name = accountRoute + account
	for i := range e.Goals {
		r.Goals = append(r.Goals, wish.Goal{Name: e.Goals[i].Name, Weight: e.Goals[i].Weight})
	}
	return r, true
}

// entries returns what accounts make of the pools that are known now.
func (t *tables) entries(accounts ...*store.Account) []upstream.Entry {
	now := t.known()
	list := make([]upstream.Entry, len(accounts))
	for i, a := range accounts {
		list[i], _ = now.entry(a)
	}
	return list
}

// storeURL returns the URL of a pool in the store.
func storeURL(p *store.Pool) string {
	if p.Options.TLS {
		return "stratum+tls://" + p.Address
	}
	return "stratum+tcp://" + p.Address
}

// algorithm returns an algorithm of the store: the store defines its worth, the program
// how it is computed.
func algorithm(s *store.Snapshot, name string) work.Algorithm {
	a, _ := work.LookupAlgorithm(name)
	if known := s.Algorithm(name); known != nil {
		a.Divider = known.Divider
	}
	return a
}

// storePool returns a pool of the store's with an account's credentials.
func (t *tlsConfigs) storePool(account *store.Account, pool *store.Pool, algorithm work.Algorithm) upstream.Pool {
	o := &pool.Options
	p := upstream.Pool{
		Target:            dial.Target{Name: pool.Address, URL: storeURL(pool), Address: pool.Address, Host: pool.Host},
		User:              account.User,
		Password:          account.Password.Reveal(),
		PassWorkers:       o.Workers == store.WorkersPass,
		Links:             max(o.Links, 1),
		Direct:            o.Mode == store.ModeDirect,
		SuggestDifficulty: o.SuggestDifficulty,
		UserAgent:         userAgent,
		Algorithm:         algorithm,
	}
	if o.TLS {
		p.TLS = t.of(tlsKey{pool.Host, o.TLSFingerprint, o.TLSInsecure})
	}
	return p
}

// tlsKey is everything that a pool's TLS depends on.
type tlsKey struct {
	host, fingerprint string
	insecure          bool
}

// tlsConfigs returns the same configuration for the same pool: to the directory, a
// different one would mean a different pool. The zero value is empty.
type tlsConfigs struct {
	mu    sync.Mutex
	known map[tlsKey]*tls.Config // guarded by mu
}

func (t *tlsConfigs) of(key tlsKey) *tls.Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.known[key]
	if c == nil {
		p := config.Pool{TLSFingerprint: key.fingerprint}
		var pin []byte
		if sum, ok := p.Fingerprint(); ok {
			pin = sum[:]
		}
		c = dial.TLS(key.host, key.insecure, pin)
		if t.known == nil {
			t.known = make(map[tlsKey]*tls.Config)
		}
		t.known[key] = c
	}
	return c
}
