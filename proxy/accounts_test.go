package proxy

import (
	"context"
	"strings"
	"testing"

	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/session"
	"farmproxy/store"
)

// withStore makes a configuration serve the accounts of a new store, and no pool of its
// own.
func withStore(t *testing.T) func(*config.Config) {
	url := "sqlite://" + t.TempDir() + "/accounts.db"
	return func(c *config.Config) { c.Store.URL = config.Secret(url) }
}

// storeOpens waits for it: a slow disk may take longer than farmproxy waits for it.
func (p *proxy) storeOpens(t *testing.T) {
	t.Helper()
	eventually(t, "the store is open", func() bool { return p.store.Healthy() == nil })
}

// register creates an account at a pool and returns its name.
func (p *proxy) register(t *testing.T, pool *benchpool.Pool, user string, options store.PoolOptions) string {
	t.Helper()
	p.storeOpens(t)
	ctx := context.Background()
	if _, err := p.store.Pool(ctx, pool.Addr()); err != nil {
		if err := p.store.AddPool(ctx, store.Pool{Address: pool.Addr(), Algorithm: "sha256d", Options: options}); err != nil {
			t.Fatal(err)
		}
	}
	name, _, err := p.store.Register(ctx, pool.Addr(), user, "secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the account can log in", func() bool {
		_, _, ok := p.directory.Login(name + ".rig")
		return ok
	})
	return name
}

// job returns the next job sent to the miner.
func (m *miner) job() message {
	m.t.Helper()
	return m.notification("mining.notify")
}

// login authorizes a name and returns the answer.
func (m *miner) login(id int, name string) message {
	m.t.Helper()
	m.send(`{"id":%d,"method":"mining.authorize","params":[%q,"x"]}`, id, name)
	_, answer := m.answer(id)
	return answer
}

func TestEachAccountMinesAtItsPool(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 8 }), startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 5 })
	p, address := startProxy(t, withStore(t), nil)
	alice, bob := p.register(t, one, "alice", store.PoolOptions{}), p.register(t, two, "bob", store.PoolOptions{})

	startFleet(t, address, alice, 5)
	startFleet(t, address, bob, 5)
	eventually(t, "both pools have shares", func() bool {
		return one.Books().Total().Accepted > 20 && two.Books().Total().Accepted > 20
	})
	for user, pool := range map[string]*benchpool.Pool{"alice": one, "bob": two} {
		for name := range pool.Books().Users() {
			if name != user {
				t.Errorf("%s's pool has shares of %s", user, name)
			}
		}
	}
}

func TestAStrangerIsToldToRegister(t *testing.T) {
	t.Parallel()
	p, address := startProxy(t, withStore(t), nil)
	p.storeOpens(t)
	m := connect(t, address)
	m.send(`{"id":1,"method":"mining.subscribe","params":[]}`)
	m.answer(1)
	if answer := m.login(2, "nobody.rig"); !strings.Contains(string(answer.Error), "register it first") {
		t.Errorf("a stranger is told %s", answer.Error)
	}
	m.wantAlive()
}

// A second authorize moves the miner to the other account's pool at once, on the same
// connection, with the same extranonce.
func TestASecondAuthorizeMovesTheMiner(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	p, address := startProxy(t, withStore(t), nil)
	alice, bob := p.register(t, one, "alice", store.PoolOptions{}), p.register(t, two, "bob", store.PoolOptions{})
	m := connect(t, address)
	m.work(alice + ".rig")
	m.login(4, bob+".rig")
	eventually(t, "bob's pool has a link", func() bool { return two.Links() == 1 })
	if job := m.job(); string(job.Params[8]) != "true" {
		t.Error("the new pool's job is not clean")
	}
	m.login(5, alice+".rig") // back again
	m.job()
	m.wantAlive()
}

// An account that gets another pool takes its miners along; a deleted one disconnects
// them. Others notice nothing.
func TestAccountsChangeUnderTheirMiners(t *testing.T) {
	t.Parallel()
	one := startPool(t, nil)
	p, address := startProxy(t, withStore(t), nil)
	alice, bob := p.register(t, one, "alice", store.PoolOptions{}), p.register(t, one, "bob", store.PoolOptions{})
	a, b := connect(t, address), connect(t, address)
	a.work(alice + ".rig")
	b.work(bob + ".rig")

	if name, _, err := p.store.Register(t.Context(), one.Addr(), "alice", "another password", nil); err != nil || name != alice {
		t.Fatalf("registered again as %q, %v", name, err)
	}
	if job := a.job(); string(job.Params[8]) != "true" {
		t.Error("the job over the new link is not clean")
	}
	if err := p.store.DeleteAccount(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	a.wantClosed()
	eventually(t, "it is counted", func() bool { return p.closed(session.AccountGone) == 1 })
	b.wantAlive()
}

// In direct mode each miner has its own link, and the pool's difficulty unchanged.
func TestDirectMode(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Difficulty = 0.7 })
	p, address := startProxy(t, withStore(t), nil)
	alice := p.register(t, pool, "alice", store.PoolOptions{Mode: store.ModeDirect})
	one, two := connect(t, address), connect(t, address)
	one.send(`{"id":1,"method":"mining.subscribe","params":[]}`)
	_, subscribed := one.answer(1)
	one.login(2, alice+".one")
	if d := one.notification("mining.set_difficulty"); string(d.Params[0]) != "0.7" {
		t.Errorf("difficulty %s, want the pool's", d.Params[0])
	}
	two.work(alice + ".two")
	if n := pool.Links(); n != 2 {
		t.Errorf("%d links for two miners", n)
	}

	// The link outlives the miner, which then gets its extranonce and its job back.
	one.conn.Close()
	eventually(t, "it is gone", func() bool { return p.book.Status().Miners == 1 })
	again := connect(t, address)
	again.send(`{"id":1,"method":"mining.subscribe","params":["x",%q]}`, strings.Split(string(subscribed.Result), `"`)[3])
	if _, s := again.answer(1); string(s.Result) != string(subscribed.Result) {
		t.Errorf("it gets %s, had %s", s.Result, subscribed.Result)
	}
	again.login(2, alice+".one")
	again.job()
	if n := pool.Links(); n != 2 {
		t.Errorf("%d links after it came back", n)
	}
}

// The end of the process loses nothing of an account.
func TestAccountsOutliveTheProxy(t *testing.T) {
	t.Parallel()
	change := withStore(t)
	pool := startPool(t, nil)
	var name string
	t.Run("before", func(t *testing.T) {
		p, _ := startProxy(t, change, nil)
		name = p.register(t, pool, "alice", store.PoolOptions{})
	})
	t.Run("after", func(t *testing.T) {
		p, address := startProxy(t, change, nil)
		connect(t, address).work(name + ".rig")
		if again := p.register(t, pool, "alice", store.PoolOptions{}); again != name {
			t.Errorf("the same credentials are %s now, were %s", again, name)
		}
	})
}

// Every ten seconds the store is told who logged in, and who is connected.
func TestAccountsInUseAreSeen(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	p, address := startProxy(t, withStore(t), nil)
	name := p.register(t, pool, "alice", store.PoolOptions{})
	m := connect(t, address)
	m.work(name + ".rig")
	if got := p.directory.AccountsInUse(); len(got) != 1 || got[0] != name || !p.directory.InUse(name) {
		t.Errorf("in use: %v", got)
	}
	m.conn.Close()
	eventually(t, "it is used no more", func() bool { return !p.directory.InUse(name) })
	if got := p.server.LoggedIn(); len(got) != 1 || got[0] != name {
		t.Errorf("seen since the last time: %v", got)
	}
}

// A pool that leaves the store disappears from the metrics, until it returns.
func TestPoolsThatAreGoneAreForgotten(t *testing.T) {
	t.Parallel()
	one := startPool(t, nil)
	p, address := startProxy(t, withStore(t), nil)
	alice := p.register(t, one, "alice", store.PoolOptions{})
	m := connect(t, address)
	m.work(alice + ".rig")
	known := func() bool {
		for _, pool := range p.book.Pools() {
			if pool.Name == one.Addr() {
				return true
			}
		}
		return false
	}
	if !known() {
		t.Fatal("the pool has no books")
	}
	if _, err := p.store.DeletePool(t.Context(), one.Addr(), true); err != nil {
		t.Fatal(err)
	}
	m.wantClosed()
	eventually(t, "its books are gone", func() bool { return !known() })

	again := p.register(t, one, "alice", store.PoolOptions{})
	connect(t, address).work(again + ".rig")
	if !known() {
		t.Error("a pool that came back has no books")
	}
}
