package proxy

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/session"
	"farmproxy/store"
)

// storeIn makes a configuration keep its store and its state in a directory.
func storeIn(dir string) func(*config.Config) {
	return func(c *config.Config) {
		c.Store.URL = config.Secret("sqlite://" + dir + "/accounts.db")
		c.StateDir = dir
	}
}

// knownAccount creates an account, with farmproxy's store and its memory of it in dir.
func knownAccount(t *testing.T, dir string, pool *benchpool.Pool) (name string) {
	t.Helper()
	p, stop := launch(t, testLog{t}, storeIn(dir), nil)
	defer stop()
	return p.register(t, pool, "alice", store.PoolOptions{})
}

// damage makes the database in the directory unreadable.
func damage(t *testing.T, dir string) (mend func()) {
	t.Helper()
	file := filepath.Join(dir, "accounts.db")
	if err := os.Rename(file, file+".whole"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Rename(file+".whole", file); err != nil {
			t.Fatal(err)
		}
	}
}

// ready returns what /readyz says.
func (p *proxy) ready(t *testing.T) (code int, body string) {
	t.Helper()
	resp, err := http.Get("http://" + webAt(p) + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// Without its database farmproxy serves the accounts that it remembers; the database's
// take over without a miner noticing.
func TestKnownAccountsWorkWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	dir, pool := t.TempDir(), startPool(t, nil)
	name := knownAccount(t, dir, pool)
	mend := damage(t, dir)

	p, address := startProxy(t, storeIn(dir), nil)
	m := connect(t, address)
	m.work(name + ".rig")
	code, body := p.ready(t)
	if code != http.StatusOK || !strings.Contains(body, "(damaged): the 1 accounts remembered at") || strings.Contains(body, dir) {
		t.Errorf("/readyz: %d %s", code, body)
	}
	resp, err := http.Post("http://"+webAt(p)+"/api/v1/users", "application/json", strings.NewReader(`{"pool":"`+pool.Addr()+`","user":"bob"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var refused struct{ Name, Error string }
	if err := json.NewDecoder(resp.Body).Decode(&refused); err != nil || resp.StatusCode != http.StatusServiceUnavailable || refused.Name != "" || strings.Contains(refused.Error, dir) {
		t.Errorf("registering: %s, %+v, %v", resp.Status, refused, err)
	}
	if _, text := p.request(t, "GET", "/metrics", ""); !strings.Contains(text, "farmproxy_store_up 0\n") {
		t.Error("the store is up, say the metrics")
	}

	mend()
	eventually(t, "the database takes over", func() bool { return p.store.Healthy() == nil })
	m.wantAlive()
	if n := pool.Links(); n != 1 {
		t.Errorf("%d links: the account's was opened anew", n)
	}
	if _, text := p.request(t, "GET", "/metrics", ""); !strings.Contains(text, "farmproxy_store_up 1\n") {
		t.Error("the store is still away, say the metrics")
	}
	if code, body := p.ready(t); code != http.StatusOK || !strings.Contains(body, `"store":""`) {
		t.Errorf("/readyz: %d %s", code, body)
	}
	p.register(t, pool, "bob", store.PoolOptions{})
	m.wantAlive()
}

// The configuration's pools are served without the database. A miner that was sent
// there because its account was not known moves once it is.
func TestPoolsAreServedWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	dir, own, alices := t.TempDir(), startPool(t, nil), startPool(t, nil)
	name := knownAccount(t, dir, alices)
	if err := os.Remove(filepath.Join(dir, accountsFile)); err != nil { // nothing is remembered
		t.Fatal(err)
	}
	mend := damage(t, dir)

	p, address := startProxy(t, storeIn(dir), nil, own)
	stranger, alice := connect(t, address), connect(t, address)
	stranger.work("farm.rig")
	alice.work(name + ".rig")
	if code, body := p.ready(t); code != http.StatusOK || !strings.Contains(body, "no account is known until it is available") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	mend()
	eventually(t, "alice's pool has a link", func() bool { return alices.Links() == 1 })
	if job := alice.job(); string(job.Params[8]) != "true" {
		t.Error("the job of her own pool is not clean")
	}
	alice.wantAlive()
	stranger.wantAlive()
	if p.closed(session.AccountGone) != 0 || p.opened() != 2 {
		t.Error("a miner was disconnected")
	}
}

// If only accounts are served and none is known, miners get nothing: not ready.
func TestNobodyIsServedWithoutAnyAccount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "accounts.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := startProxy(t, storeIn(dir), nil)
	if code, body := p.ready(t); code != http.StatusServiceUnavailable || !strings.Contains(body, "no account is known") {
		t.Errorf("/readyz: %d %s", code, body)
	}
}
