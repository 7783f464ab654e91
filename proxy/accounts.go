package proxy

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"farmproxy/config"
	"farmproxy/netloop"
	"farmproxy/stats"
	"farmproxy/store"
	"farmproxy/upstream"
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
	settings  *atomic.Pointer[settings]
	tables    *tables
	log       *slog.Logger
}

// startStore starts the store that the configuration names, whether its database
// is there or not; nil when it names none.
func startStore(c *config.Config, log *slog.Logger) (*store.Store, error) {
	if c.Store.URL == "" {
		return nil, nil
	}
	if stateDir(c) == "" {
		log.Warn("without state_dir, farmproxy cannot start while the database is unavailable: set state_dir")
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
	a.book.SetStore(func() (int, error) { return a.store.Snapshot().NumAccounts(), a.store.Healthy() })
	var before *store.Snapshot
	a.store.Subscribe(func(s *store.Snapshot) {
		a.tables.change(func(t *table) { t.accounts = s })
		if before != nil && before.Version() == 0 && s.Version() > 0 { // the database is there at last
			a.directory.LoginAgain()
		}
		before = s
	})
}

// run tells the store what the miners do, until ctx ends.
func (a *accounts) run(ctx context.Context) {
	seen, expire := time.NewTicker(seenEvery), time.NewTimer(a.often())
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
			expire.Reset(a.often())
		}
	}
}

// often is how long to wait until unused accounts are looked for again.
func (a *accounts) often() time.Duration {
	if expire := a.settings.Load().expire; expire > 0 {
		return min(expireEvery, expire/expireShare)
	}
	return expireEvery
}

// touch tells the store which accounts were used.
func (a *accounts) touch() {
	a.store.Touch(append(a.server.LoggedIn(), a.directory.AccountsInUse()...))
}

// dropUnused deletes accounts that nobody has used for long.
func (a *accounts) dropUnused(ctx context.Context) {
	expire := a.settings.Load().expire
	if expire == 0 {
		return
	}
	a.touch()
	names, err := a.store.Expire(ctx, expire, a.directory.InUse)
	if err != nil {
		a.log.Warn("unused accounts are not being deleted", "reason", err)
	}
	for _, name := range names {
		a.log.Info("account deleted: it was unused for accounts.expire", "account", name, "expire", expire)
	}
}

// uses reports that an account has miners connected.
func (p *proxy) uses(account string) bool { return p.directory.InUse(account) }

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
	err := p.directory.Prove(ctx, account.Name, p.tables.tls.storePool(&account, &pool, algorithm(p.store.Snapshot(), pool.Algorithm)))
	if err == nil {
		return nil
	}
	if _, refused := errors.AsType[*upstream.Refusal](err); refused {
		return store.Refused(hide(err.Error(), account.Password.Reveal()))
	}
	p.log.Warn("an account could not be tried at a pool", "account", account.Name, "pool", pool.Address, "reason", err)
	return store.Unasked("pool " + pool.Address + " cannot be asked now about user " + strconv.Quote(account.User) + ": it does not answer, or closes the connection; the log has the details")
}
