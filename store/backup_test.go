package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// databaseIn is an SQLite file in a directory, with its key beside it.
func databaseIn(dir string) *testDatabase {
	return &testDatabase{url: "sqlite://" + dir + "/farm.db", key: dir + "/store.key"}
}

// A backup is made beside a farmproxy that changes the store, and a box that lost
// everything else goes on with it: accounts, and their passwords.
func TestBackupAndRestore(t *testing.T) {
	here := databaseIn(t.TempDir())
	s := withPools(t, here.open(t))
	name := mustRegister(t, s, "btc.example:3333", "alice", "secret")
	kept := filepath.Join(t.TempDir(), "backups", "monday")
	copies, err := Backup(t.Context(), here.options(), kept)
	must(t, err)
	if want := []string{kept + "/farm.db", kept + "/store.key"}; !slices.Equal(copies, want) || !slices.Equal(listDirectory(t, kept), []string{"farm.db", "store.key"}) {
		t.Errorf("copies %v, want %v, and in the directory %v", copies, want, listDirectory(t, kept))
	}
	for _, path := range append(copies, kept) {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: others may read it: %v, %v", path, info.Mode(), err)
		}
	}
	mustRegister(t, s, "btc.example:3333", "bob", "later")

	restored := databaseIn(kept).open(t)
	if account := restored.Snapshot().Account(name); account == nil || account.Password.Reveal() != "secret" || restored.Snapshot().NumAccounts() != 1 {
		t.Errorf("%+v, %d accounts", account, restored.Snapshot().NumAccounts())
	}
}

// A backup that cannot be whole is none, and leaves nothing behind.
func TestBackupsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	d := databaseIn(dir)
	o := d.options()
	f := func(o Options, to string, kind error, want string) {
		t.Helper()
		copies, err := Backup(t.Context(), o, to)
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), want) || copies != nil {
			t.Errorf("%v, %v, want %s", copies, err, want)
		}
	}
	to := filepath.Join(t.TempDir(), "to")
	f(o, to, ErrUnavailable, "no such file or directory: mount or restore it")
	must(t, d.open(t).Close())
	keyless := o
	keyless.KeyFile = dir + "/none"
	f(keyless, to, ErrKeyMissing, "key file "+dir+"/none is missing")
	repairing, err := lockAlone(dir + "/farm.db")
	must(t, err)
	f(o, filepath.Join(t.TempDir(), "locked"), ErrLocked, "is being repaired")
	must(t, repairing.Close())
	f(Options{URL: "postgres://farm@db.example/farm", KeyFile: o.KeyFile}, to, ErrBadValue, "pg_dump")
	if exists(to) {
		t.Errorf("it made %v", listDirectory(t, to))
	}
	must(t, os.Mkdir(to, 0o700))
	must(t, os.WriteFile(to+"/store.key", []byte("precious"), 0o600))
	f(o, to, ErrBadValue, to+"/store.key exists, and a backup overwrites nothing")
	damage(t, strings.TrimPrefix(o.URL, "sqlite://"))
	other := filepath.Join(t.TempDir(), "other")
	f(o, other, ErrDamaged, "")
	if left := listDirectory(t, other); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}
