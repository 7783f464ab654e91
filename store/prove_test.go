package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asked records what a pool is asked to prove.
type asked struct {
	what  []string
	while func() // called meanwhile
	err   error
}

func (a *asked) prove(_ context.Context, p Pool, account Account) error {
	a.what = append(a.what, fmt.Sprint(p.Address, " ", account.User, " ", account.Password.Reveal(), " ", p.Options.Links))
	if do := a.while; do != nil {
		a.while = nil
		do()
	}
	return a.err
}

// A password is proven against the one it replaces, and replaces only that one.
func TestRegisterProves(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		const pool = "btc.example:3333"
		name := mustRegister(t, s, pool, "farm", "old")
		f := func(what, password string, a *asked, did Registered, kept string, asks int) {
			t.Helper()
			got, is, err := s.Register(t.Context(), pool, "farm", password, a.prove)
			if !errors.Is(err, a.err) || err == nil && got != name || is != did || len(a.what) != asks {
				t.Errorf("%s: %s, did %d, %v; asked %q", what, got, is, err, a.what)
			}
			if is := s.Snapshot().Account(name).Password.Reveal(); is != kept {
				t.Errorf("%s: the password is %q, want %q", what, is, kept)
			}
		}
		change := func(password string) func() { return func() { mustRegister(t, s, pool, "farm", password) } }
		f("the same", "old", &asked{}, RegisteredBefore, "old", 0)
		f("refused", "bad", &asked{err: Refused("no")}, 0, "old", 1)
		f("taken", "new", &asked{}, PasswordChanged, "new", 1)
		f("another one came in between", "mine", &asked{while: change("theirs")}, PasswordChanged, "mine", 2)
		f("the same came in between", "both", &asked{while: change("both")}, RegisteredBefore, "both", 1)

		var always asked
		n := 0
		always.while = func() {
			n++
			change(fmt.Sprint("other", n))()
			always.while = func() {
				n++
				change(fmt.Sprint("other", n))()
				always.while = func() { n++; change(fmt.Sprint("other", n))() }
			}
		}
		_, _, err := s.Register(t.Context(), pool, "farm", "late", always.prove)
		wants(t, "others are always faster", err, ErrChanged)
		if len(always.what) != proveAttempts {
			t.Errorf("asked %d times, want %d", len(always.what), proveAttempts)
		}

		var new asked
		if _, did, err := s.Register(t.Context(), pool, "another", "x", new.prove); err != nil || did != RegisteredNow || len(new.what) > 0 {
			t.Errorf("a new account: did %d, %v; asked %q", did, err, new.what)
		}
	})
}

// A pool's options are proven with an account of that pool that is in use.
func TestChangePoolProves(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		idle, used := mustRegister(t, s, "btc.example:3333", "idle", "x"), mustRegister(t, s, "btc.example:3333", "used", "x")
		elsewhere := mustRegister(t, s, "ltc.example:3333", "elsewhere", "x")
		inUse := []string{elsewhere}
		uses := func(name string) bool { return slices.Contains(inUse, name) }
		change := func(what string, links int, a *asked, want ...string) {
			t.Helper()
			version := s.Snapshot().Version()
			err := s.ChangePool(t.Context(), Pool{Address: "btc.example:3333", Algorithm: "sha256d", Options: PoolOptions{Links: links}}, uses, a.prove)
			if !errors.Is(err, a.err) || !slices.Equal(a.what, want) {
				t.Errorf("%s: %v; asked %q, want %q", what, err, a.what, want)
			}
			if a.err != nil && s.Snapshot().Version() != version {
				t.Errorf("%s: something was written", what)
			}
		}
		change("nobody works there", 2, &asked{})
		inUse = append(inUse, used)
		change("somebody does", 3, &asked{}, "btc.example:3333 used x 3")
		change("no change", 3, &asked{})
		change("refused", 4, &asked{err: Refused("no")}, "btc.example:3333 used x 4")
		_ = idle
		var never asked
		wants(t, "an unknown algorithm", s.ChangePool(t.Context(), Pool{Address: "btc.example:3333", Algorithm: "x99"}, uses, never.prove), ErrUnknownAlgorithm)
		wants(t, "an unknown pool", s.ChangePool(t.Context(), Pool{Address: "no.example:1", Algorithm: "sha256d"}, uses, never.prove), ErrUnknownPool)
		if len(never.what) > 0 {
			t.Errorf("asked %q", never.what)
		}
	})
}

// No two passwords are sealed with the same nonce, which would reveal both.
func TestSealsDiffer(t *testing.T) {
	s, err := newSealer(make([]byte, keySize))
	must(t, err)
	if a, b := s.seal("name", "text"), s.seal("name", "text"); string(a) == string(b) || string(a[:s.aead.NonceSize()]) == string(b[:s.aead.NonceSize()]) {
		t.Error("sealed twice with one nonce")
	}
}

// A URL is shown without its password, wherever that is.
func TestURLsAreShownWithoutPasswords(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://user:hunter2@host/db":                     "postgres://user:xxxxx@host/db",
		"postgres://user@host/db?password=hunter2":            "postgres://user@host/db?password=xxxxx",
		"postgres://user@host/db?sslpassword=hunter2":         "postgres://user@host/db?sslpassword=xxxxx",
		"postgres://host/db?sslmode=disable&PassWord=hunter2": "",
		"sqlite:///var/lib/farm.db":                           "sqlite:///var/lib/farm.db",
	} {
		p, err := parsePlace(url)
		if shown := fmt.Sprint(p.shown, err); strings.Contains(shown, "hunter2") || want != "" && p.shown != want {
			t.Errorf("%s is shown as %s", url, shown)
		}
	}
}

// A file that can't be verified stays where it is: it may be intact.
func TestRepairLeavesAloneWhatItCantVerify(t *testing.T) {
	d := newSQLite(t)
	state := remembering(t)
	d.remembered(t, state)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := Repair(ctx, d.with(state))
	if err == nil || errors.Is(err, ErrDamaged) || len(r.Moved) > 0 || !exists(d.file(t)) {
		t.Errorf("%+v, %v", r, err)
	}
	if aside, _ := filepath.Glob(d.file(t) + ".damaged*"); len(aside) > 0 {
		t.Errorf("moved to %v", aside)
	}
}

// An unreadable row affects only its own pool, and the API repairs it.
func TestDamagedPool(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		other := mustRegister(t, s, "ltc.example:3333", "other", "x")
		d.exec(t, "UPDATE pools SET options = '{nonsense' WHERE address = 'btc.example:3333'")
		again := d.open(t)
		if again.Snapshot().Pool("btc.example:3333") != nil || again.Snapshot().Account(other) == nil || again.Snapshot().Pool("ltc.example:3333") == nil {
			t.Error("not just the damaged pool is missing")
		}
		must(t, again.ChangePool(t.Context(), Pool{Address: "btc.example:3333", Algorithm: "sha256d"}, func(string) bool { return true }, new(asked).prove))
		if again.Snapshot().Pool("btc.example:3333") == nil {
			t.Error("it is not mended")
		}
	})
}
