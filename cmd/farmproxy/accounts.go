package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"farmproxy/config"
	"farmproxy/netloop"
	"farmproxy/stats"
	"farmproxy/store"
	"farmproxy/upstream"
	"farmproxy/work"
)

const (
	// openTime bounds the opening of the store at start: a database on another
	// box may be starting too.
	openTime = 20 * time.Second

	// tableEvery is the least time between two tables of accounts: making one
	// of 100,000 accounts takes 50 ms, and a script that registers them one by
	// one must not make a table for each.
	tableEvery = 100 * time.Millisecond

	// seenEvery is how often the store learns which accounts are in use.
	seenEvery = 10 * time.Second

	// expireEvery is how often unused accounts are looked for.
	expireEvery = time.Hour
)

// accounts brings the store's accounts to the directory, and what the miners
// do back to the store.
type accounts struct {
	store     *store.Store
	directory *upstream.Directory
	server    *netloop.Server
	book      *stats.Book
	expire    time.Duration // unused accounts are deleted after it; 0 never
	agent     string
	log       *slog.Logger

	changed chan struct{}
	tls     map[tlsKey]*tls.Config // one for each pool, as the directory wants it
}

// tlsKey is what a pool's TLS depends on.
type tlsKey struct {
	host, fingerprint string
	insecure          bool
}

// openStore opens the store that the configuration names; nil when it names
// none.
func openStore(ctx context.Context, c *config.Config, log *slog.Logger) (*store.Store, error) {
	if c.Store.URL == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	return store.Open(ctx, store.Options{URL: string(c.Store.URL), KeyFile: c.StoreKeyFile(stateDir(c)), Log: log})
}

// run works until ctx ends. The directory has its first table when started is
// closed.
func (a *accounts) run(ctx context.Context, started chan<- struct{}) {
	a.changed = make(chan struct{}, 1)
	a.tls = make(map[tlsKey]*tls.Config)
	a.store.Subscribe(func(*store.Snapshot) {
		select {
		case a.changed <- struct{}{}:
		default:
		}
	})
	a.book.SetStore(func() (int, error) { return a.store.Snapshot().NumAccounts(), a.store.Healthy() })
	a.publish()
	close(started)
	seen, expire := time.NewTicker(seenEvery), time.NewTicker(expireEvery)
	defer seen.Stop()
	defer expire.Stop()
	for {
		select {
		case <-ctx.Done():
			a.touch()
			return
		case <-a.changed:
			a.publish()
			select {
			case <-time.After(tableEvery):
			case <-ctx.Done():
			}
		case <-seen.C:
			a.touch()
		case <-expire.C:
			a.dropUnused(ctx)
		}
	}
}

// publish gives the directory a table of what the store holds now, and the book
// the pools.
func (a *accounts) publish() {
	snapshot := a.store.Snapshot()
	table := make(map[string]upstream.Account, snapshot.NumAccounts())
	for account := range snapshot.Accounts() {
		pool := snapshot.Pool(account.Pool)
		if pool == nil {
			continue // the store keeps an account only with its pool
		}
		table[account.Name] = a.account(account, pool, algorithm(snapshot, pool.Algorithm))
	}
	a.directory.Set(table)
}

// algorithm returns an algorithm as the store knows it: what it is worth is the
// store's word, how it is computed the program's.
func algorithm(s *store.Snapshot, name string) work.Algorithm {
	a, _ := work.LookupAlgorithm(name)
	if known := s.Algorithm(name); known != nil {
		a.Divider = known.Divider
	}
	return a
}

func (a *accounts) account(account *store.Account, pool *store.Pool, algorithm work.Algorithm) upstream.Account {
	o := &pool.Options
	u := upstream.Account{Name: account.Name, Direct: o.Mode == store.ModeDirect}
	u.Pool = upstream.Pool{
		Name:              pool.Address,
		URL:               "stratum+tcp://" + pool.Address,
		Address:           pool.Address,
		Host:              pool.Host,
		User:              account.User,
		Password:          account.Password.Reveal(),
		PassWorkers:       o.Workers == store.WorkersPass,
		Links:             max(o.Links, 1),
		Direct:            u.Direct,
		SuggestDifficulty: o.SuggestDifficulty,
		UserAgent:         a.agent,
		Algorithm:         algorithm,
	}
	if o.TLS {
		u.Pool.URL = "stratum+tls://" + pool.Address
		u.Pool.TLS = a.tlsConfig(tlsKey{pool.Host, o.TLSFingerprint, o.TLSInsecure})
	}
	return u
}

func (a *accounts) tlsConfig(key tlsKey) *tls.Config {
	c := a.tls[key]
	if c == nil {
		p := config.Pool{TLSFingerprint: key.fingerprint}
		var pin []byte
		if sum, ok := p.Fingerprint(); ok {
			pin = sum[:]
		}
		c = upstream.TLSConfig(key.host, key.insecure, pin)
		a.tls[key] = c
	}
	return c
}

// touch tells the store which accounts were used.
func (a *accounts) touch() {
	a.store.Touch(append(a.server.Seen(), a.directory.AccountsInUse()...), time.Now())
}

// dropUnused deletes accounts that nobody has used for long.
func (a *accounts) dropUnused(ctx context.Context) {
	if a.expire == 0 {
		return
	}
	a.touch()
	names, err := a.store.Expire(ctx, a.expire, a.directory.InUse)
	if err != nil {
		a.log.Warn("unused accounts were not deleted", "reason", err)
	}
	for _, name := range names {
		a.log.Info("account deleted: it was not used for accounts.expire", "account", name, "expire", a.expire)
	}
}
