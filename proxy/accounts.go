package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"farmproxy/config"
	"farmproxy/dial"
	"farmproxy/netloop"
	"farmproxy/stats"
	"farmproxy/store"
	"farmproxy/upstream"
	"farmproxy/work"
)

const (
	// seenEvery is how often the store learns which accounts are in use.
	seenEvery = 10 * time.Second

	// expireEvery is how often unused accounts are looked for, and expireShare
	// how often at least in the time after which they expire: see store.Expire.
	expireEvery = time.Hour
	expireShare = 8
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
	fixed     []string // names of the configuration's pools
	log       *slog.Logger

	mu  sync.Mutex
	tls map[tlsKey]*tls.Config // guarded by mu
}

// tlsKey is what a pool's TLS depends on.
type tlsKey struct {
	host, fingerprint string
	insecure          bool
}

// startStore starts the store that the configuration names, whether its database
// is there or not; nil when it names none.
func startStore(c *config.Config, log *slog.Logger) (*store.Store, error) {
	if c.Store.URL == "" {
		return nil, nil
	}
	if stateDir(c) == "" {
		log.Warn("accounts are not remembered for a start without the database: set state_dir")
	}
	return store.Start(StoreOptions(c, log))
}

// StoreOptions are what the configuration says about the store.
func StoreOptions(c *config.Config, log *slog.Logger) store.Options {
	dir := stateDir(c)
	o := store.Options{URL: string(c.Store.URL), KeyFile: c.StoreKeyFile(dir), Log: log}
	if dir != "" {
		o.StateFile = filepath.Join(dir, accountsFile)
	}
	return o
}

// follow has the directory know what the store holds, now and from now on: an
// account that was registered can log in before the answer is out.
func (a *accounts) follow() {
	a.tls = make(map[tlsKey]*tls.Config)
	a.book.SetStore(func() (int, error) { return a.store.Snapshot().NumAccounts(), a.store.Healthy() })
	var before *store.Snapshot
	a.store.Subscribe(func(s *store.Snapshot) {
		a.directory.Set(table{a, s})
		if before != nil {
			a.forget(before, s)
			if before.Version() == 0 && s.Version() > 0 { // the database is there at last
				a.directory.LoginAgain()
			}
		}
		before = s
	})
}

// forget drops the books of pools that have left the store, and are none of the
// configuration's.
func (a *accounts) forget(before, now *store.Snapshot) {
	for p := range before.Pools() {
		if now.Pool(p.Address) == nil && !slices.Contains(a.fixed, p.Address) {
			a.book.ForgetPool(p.Address)
		}
	}
}

// run tells the store what the miners do, until ctx ends.
func (a *accounts) run(ctx context.Context) {
	often := expireEvery
	if a.expire > 0 {
		often = min(often, a.expire/expireShare)
	}
	seen, expire := time.NewTicker(seenEvery), time.NewTicker(often)
	defer seen.Stop()
	defer expire.Stop()
	for {
		select {
		case <-ctx.Done():
			a.touch()
			return
		case <-seen.C:
			a.touch()
		case <-expire.C:
			a.dropUnused(ctx)
		}
	}
}

// table is the store's accounts as the directory wants them: what a snapshot
// says, made into pools when somebody asks.
type table struct {
	*accounts
	snapshot *store.Snapshot
}

// Account implements upstream.Accounts.
func (t table) Account(name string) (upstream.Account, bool) {
	account := t.snapshot.Account(name)
	if account == nil {
		return upstream.Account{}, false
	}
	pool := t.snapshot.Pool(account.Pool)
	if pool == nil { // the store keeps no account without its pool
		return upstream.Account{}, false
	}
	return t.account(account, pool, algorithm(t.snapshot, pool.Algorithm)), true
}

// URLs implements upstream.Accounts.
func (t table) URLs() (urls []string) {
	used := make(map[string]bool)
	for account := range t.snapshot.Accounts() {
		if pool := t.snapshot.Pool(account.Pool); pool != nil && !used[pool.Address] {
			used[pool.Address] = true
			urls = append(urls, poolURL(pool))
		}
	}
	return urls
}

func poolURL(p *store.Pool) string {
	if p.Options.TLS {
		return "stratum+tls://" + p.Address
	}
	return "stratum+tcp://" + p.Address
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
	p := upstream.Pool{
		Target:            dial.Target{Name: pool.Address, URL: poolURL(pool), Address: pool.Address, Host: pool.Host},
		User:              account.User,
		Password:          account.Password.Reveal(),
		PassWorkers:       o.Workers == store.WorkersPass,
		Links:             max(o.Links, 1),
		Direct:            o.Mode == store.ModeDirect,
		SuggestDifficulty: o.SuggestDifficulty,
		UserAgent:         a.agent,
		Algorithm:         algorithm,
	}
	if o.TLS {
		p.TLS = a.tlsConfig(tlsKey{pool.Host, o.TLSFingerprint, o.TLSInsecure})
	}
	return upstream.Account{Name: account.Name, Pool: p, Direct: p.Direct}
}

// tlsConfig returns one and the same for the same pool: another one would be
// another account to the directory.
func (a *accounts) tlsConfig(key tlsKey) *tls.Config {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.tls[key]
	if c == nil {
		p := config.Pool{TLSFingerprint: key.fingerprint}
		var pin []byte
		if sum, ok := p.Fingerprint(); ok {
			pin = sum[:]
		}
		c = dial.TLS(key.host, key.insecure, pin)
		a.tls[key] = c
	}
	return c
}

// touch tells the store which accounts were used.
func (a *accounts) touch() {
	a.store.Touch(append(a.server.LoggedIn(), a.directory.AccountsInUse()...))
}

// dropUnused deletes accounts that nobody has used for long.
func (a *accounts) dropUnused(ctx context.Context) {
	if a.expire == 0 {
		return
	}
	a.touch()
	names, err := a.store.Expire(ctx, a.expire, a.directory.InUse)
	if err != nil {
		a.log.Warn("unused accounts are not deleted now", "reason", err)
	}
	for _, name := range names {
		a.log.Info("account deleted: it was not used for accounts.expire", "account", name, "expire", a.expire)
	}
}

// uses reports that an account has miners connected.
func (p *proxy) uses(account string) bool { return p.routes.InUse(account) }

// minHidden is the shortest password that hide looks for: "x" and "123" are
// passwords of everybody, and parts of many words.
const minHidden = 4

// hide takes a password out of what a pool has said of it.
func hide(text, password string) string {
	if len(password) < minHidden {
		return text
	}
	return strings.ReplaceAll(text, password, "(hidden)")
}

// prove asks a pool whether it lets an account in.
func (p *proxy) prove(ctx context.Context, pool store.Pool, account store.Account) error {
	a := p.users.account(&account, &pool, algorithm(p.store.Snapshot(), pool.Algorithm))
	err := p.routes.Prove(ctx, a)
	if err == nil {
		return nil
	}
	if _, refused := errors.AsType[*upstream.Refusal](err); refused {
		return store.Refused(hide(err.Error(), account.Password.Reveal()))
	}
	p.log.Warn("a pool could not be asked whether it lets an account in", "account", account.Name, "pool", pool.Address, "reason", err)
	return store.Unasked("pool " + pool.Address + " can't be asked now whether it lets user " + strconv.Quote(account.User) + " in: it does not answer, or hangs up; the log says more")
}
