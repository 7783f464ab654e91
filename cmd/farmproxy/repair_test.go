package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/config"
	"farmproxy/proxy"
	"farmproxy/store"
)

// register adds an account to a store, which keeps it.
func register(t *testing.T, o store.Options) {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddPool(t.Context(), store.Pool{Address: "pool.example:3333", Algorithm: "sha256d"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Register(t.Context(), "pool.example:3333", "alice", "secret", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// damage makes the database in a directory unreadable.
func damage(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "accounts.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The command that repairs a store, as the operator types it.
func TestStoreRepair(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conf := filepath.Join(dir, "farmproxy.toml")
	text := `state_dir = "` + dir + "\"\n[[listener]]\naddress = \"127.0.0.1:3333\"\n[store]\nurl = \"sqlite://" + dir + "/accounts.db\"\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(line string, code int, want string) {
		t.Helper()
		var out strings.Builder
		if got := dispatch(context.Background(), strings.Fields(line), terminal{out: &out, err: &out}); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("farmproxy %s: %d, want %d and %q\n%s", line, got, code, want, out.String())
		}
	}
	f("store", exitMisused, "  store repair")
	f("store -h", exitOK, "  store repair")
	f("store repair -h", exitOK, "farmproxy store repair [-c FILE]")
	f("store mend", exitMisused, `farmproxy store: unknown command "mend"`)
	f("store repair x", exitMisused, "it takes flags and nothing else")
	f("store repair -c "+conf, exitOK, "no accounts are remembered")

	c, err := config.Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	register(t, proxy.StoreOptions(c, slog.New(slog.DiscardHandler)))
	f("store repair -c "+conf, exitOK, "the store is intact: nothing was changed")
	f("store backup -c "+conf, exitMisused, "name a directory for the copies")
	f("store backup -c "+conf+" "+dir+"/monday", exitOK, "copied: "+dir+"/monday/accounts.db\ncopied: "+dir+"/monday/store.key\n")
	f("store backup -c "+conf+" "+dir+"/monday", exitFailed, "a backup overwrites nothing")
	f("store backup -c ../../systemd/farmproxy.toml x", exitFailed, "names no store")
	damage(t, dir)
	f("store repair -c "+conf, exitOK, "moved aside: "+dir+"/accounts.db.damaged-")
	f("store repair -c "+conf, exitOK, "the store is intact")
	damage(t, dir)
	if err := os.Remove(filepath.Join(dir, "store.key")); err != nil {
		t.Fatal(err)
	}
	f("store repair -c "+conf, exitFailed, "no new store was made")
	f("store repair -c ../../systemd/farmproxy.toml", exitFailed, "names no store")
}
