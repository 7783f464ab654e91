package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestRegister(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		first, did, err := s.Register(t.Context(), "btc.example:3333", "farm", "secret", nil)
		must(t, err)
		if did != RegisteredNow || !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(first) {
			t.Fatalf("name %q, %d; want 16 hex digits, registered now", first, did)
		}
		for _, c := range []struct {
			what, pool, user, password string
			same                       bool
			did                        Registered
		}{
			{"again", "btc.example:3333", "farm", "secret", true, RegisteredBefore},
			{"another password", "btc.example:3333", "farm", "changed", true, PasswordChanged},
			{"no password", "btc.example:3333", "farm", "", true, PasswordChanged},
			{"the host in another letter case", "BTC.Example:3333", "farm", "", true, RegisteredBefore},
			{"a full stop behind the host", "btc.example.:03333", "farm", "", true, RegisteredBefore},
			{"the user in another letter case", "btc.example:3333", "Farm", "secret", false, RegisteredNow},
			{"another pool", "ltc.example:3333", "farm", "secret", false, RegisteredNow},
		} {
			name, did, err := s.Register(t.Context(), c.pool, c.user, c.password, nil)
			if err != nil || (name == first) != c.same || did != c.did {
				t.Errorf("%s: %q, did %d, %v; the first was %q", c.what, name, did, err, first)
				continue
			}
			a := s.Snapshot().Account(name)
			if a == nil || a.User != c.user || a.Password.Reveal() != c.password {
				t.Errorf("%s: in the snapshot %+v, want user %q and password %q", c.what, a, c.user, c.password)
			}
		}
		if n := s.Snapshot().NumAccounts(); n != 3 {
			t.Errorf("%d accounts, want 3", n)
		}
	})
}

func TestRegisterRefuses(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		version := s.Snapshot().Version()
		for _, c := range []struct {
			pool, user, password string
			kind                 error
		}{
			{"other.example:3333", "farm", "x", ErrUnknownPool},
			{"btc.example:3334", "farm", "x", ErrUnknownPool},
			{"stratum+tcp://btc.example:3333", "farm", "x", ErrBadAddress},
			{"btc.example", "farm", "x", ErrBadAddress},
			{"btc.example:0", "farm", "x", ErrBadAddress},
			{"btc.example:65536", "farm", "x", ErrBadAddress},
			{"btc.example:http", "farm", "x", ErrBadAddress},
			{":3333", "farm", "x", ErrBadAddress},
			{"btc .example:3333", "farm", "x", ErrBadAddress},
			{"", "farm", "x", ErrBadAddress},
			{"btc.example:3333", "", "x", ErrBadUser},
			{"btc.example:3333", "a\nb", "x", ErrBadUser},
			{"btc.example:3333", "a\xff", "x", ErrBadUser},
			{"btc.example:3333", strings.Repeat("a", 256), "x", ErrBadUser},
			{"btc.example:3333", "farm", "a\x00", ErrBadPassword},
			{"btc.example:3333", "farm", strings.Repeat("a", 256), ErrBadPassword},
		} {
			name, did, err := s.Register(t.Context(), c.pool, c.user, c.password, nil)
			what := fmt.Sprintf("%q %.20q", c.pool, c.user)
			wants(t, what, err, c.kind)
			if name != "" || did != 0 {
				t.Errorf("%s: name %q, did %d", what, name, did)
			}
			_, _, would := s.WouldRegister(t.Context(), c.pool, c.user, c.password)
			wantsSame(t, what, would, err)
		}
		if s.Snapshot().Version() != version || s.Snapshot().NumAccounts() != 0 {
			t.Error("something was written")
		}
	})
}

func TestRegisterAtOnceGivesOneName(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		stores := []*Store{withPools(t, d.open(t)), d.open(t)}
		type answer struct {
			name string
			did  Registered
			err  error
		}
		answers := make(chan answer)
		const callers = 8
		for i := range callers {
			go func() {
				name, did, err := stores[i%2].Register(t.Context(), "btc.example:3333", "farm", "x", nil)
				answers <- answer{name, did, err}
			}()
		}
		names, created := map[string]bool{}, 0
		for range callers {
			a := <-answers
			must(t, a.err)
			names[a.name] = true
			if a.did == RegisteredNow {
				created++
			}
		}
		if len(names) != 1 || created != 1 {
			t.Errorf("%d names, %d created; want one", len(names), created)
		}
	})
}

func TestAccounts(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		for _, user := range []string{"alice", "bob", "100%_sure", "Bobby"} {
			mustRegister(t, s, "btc.example:3333", user, "x")
		}
		mustRegister(t, s, "ltc.example:3333", "alice", "x")
		for _, c := range []struct {
			filter       Filter
			items, total int
		}{
			{Filter{}, 5, 5},
			{Filter{PerPage: 2}, 2, 5},
			{Filter{PerPage: 2, Page: 3}, 1, 5},
			{Filter{PerPage: 2, Page: 4}, 0, 5},
			{Filter{PerPage: -1, Page: -1}, 5, 5},
			{Filter{Page: math.MaxInt}, 0, 5},
			{Filter{Pool: "LTC.example:3333"}, 1, 1},
			{Filter{User: "alice"}, 2, 2},
			{Filter{User: "Alice"}, 0, 0},
			{Filter{Search: "BOB"}, 2, 2},
			{Filter{Search: "%"}, 1, 1},
			{Filter{Search: "%_"}, 1, 1},
			{Filter{Search: "_"}, 1, 1},
			{Filter{Search: "!"}, 0, 0},
			{Filter{Search: "ltc."}, 1, 1},
			{Filter{Search: "'; DROP TABLE accounts; --"}, 0, 0},
			{Filter{Pool: "btc.example:3333", User: "alice"}, 1, 1},
		} {
			p, err := s.Accounts(t.Context(), c.filter)
			if err != nil || len(p.Items) != c.items || p.Total != c.total || p.Items == nil {
				t.Errorf("%+v: %d items of %d, %v; want %d of %d", c.filter, len(p.Items), p.Total, err, c.items, c.total)
			}
		}
		_, err := s.Accounts(t.Context(), Filter{Pool: "nonsense"})
		wants(t, "a bad pool", err, ErrBadAddress)
		p, err := s.Accounts(t.Context(), Filter{PerPage: 1 << 30})
		if err != nil || p.PerPage != MaxPerPage || p.Page != 1 {
			t.Errorf("too large a page: %d, page %d, %v", p.PerPage, p.Page, err)
		}
	})
}

func TestDeleteAccount(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		name := mustRegister(t, s, "btc.example:3333", "farm", "x")
		a, err := s.Account(t.Context(), name)
		if err != nil || a.Pool != "btc.example:3333" || a.User != "farm" || a.Created.IsZero() || !a.LastSeen.IsZero() || a.Password.Reveal() != "" {
			t.Errorf("%+v, %v", a, err)
		}
		must(t, s.DeleteAccount(t.Context(), name))
		if s.Snapshot().Account(name) != nil || s.Snapshot().NumAccounts() != 0 {
			t.Error("still in the snapshot")
		}
		_, err = s.Account(t.Context(), name)
		wants(t, "looked up after", err, ErrUnknownAccount)
		_, _, would := s.WouldDelete(t.Context(), name)
		wantsSame(t, "deleted twice", would, s.DeleteAccount(t.Context(), name))
		wants(t, "deleted twice", s.DeleteAccount(t.Context(), name), ErrUnknownAccount)
		if again := mustRegister(t, s, "btc.example:3333", "farm", "x"); again == name || s.Snapshot().Account(again) == nil {
			t.Errorf("registered after: %s, was %s", again, name)
		}
	})
}

func TestPools(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		pin := strings.Repeat("0a:", 31) + "0A"
		for _, c := range []struct {
			what string
			pool Pool
			kind error
		}{
			{"all options", Pool{Address: "A.example:1", Algorithm: "SHA256", Options: PoolOptions{TLS: true, TLSInsecure: true, TLSFingerprint: pin,
				Workers: WorkersPass, Mode: ModeDirect, Links: MaxLinks, SuggestDifficulty: 0.5}}, nil},
			{"an IPv6 address", Pool{Address: "[2001:DB8::1]:3333", Algorithm: "scrypt"}, nil},
			{"twice", Pool{Address: "a.EXAMPLE:1", Algorithm: "scrypt"}, ErrExists},
			{"unknown algorithm", Pool{Address: "b.example:1", Algorithm: "x99"}, ErrUnknownAlgorithm},
			{"with a scheme", Pool{Address: "tcp://b.example:1", Algorithm: "scrypt"}, ErrBadAddress},
			{"bad workers", Pool{Address: "b.example:1", Algorithm: "scrypt", Options: PoolOptions{Workers: "all"}}, ErrBadValue},
			{"bad mode", Pool{Address: "b.example:1", Algorithm: "scrypt", Options: PoolOptions{Mode: "all"}}, ErrBadValue},
			{"too many links", Pool{Address: "b.example:1", Algorithm: "scrypt", Options: PoolOptions{Links: MaxLinks + 1}}, ErrBadValue},
			{"difficulty below 0", Pool{Address: "b.example:1", Algorithm: "scrypt", Options: PoolOptions{SuggestDifficulty: -1}}, ErrBadValue},
			{"difficulty not a number", Pool{Address: "b.example:1", Algorithm: "scrypt", Options: PoolOptions{SuggestDifficulty: math.NaN()}}, ErrBadValue},
			{"a pin of half the length", Pool{Address: "b.example:1", Algorithm: "scrypt", Options: PoolOptions{TLS: true, TLSFingerprint: "0a0b"}}, ErrBadValue},
			{"a pin without TLS", Pool{Address: "b.example:1", Algorithm: "scrypt", Options: PoolOptions{TLSFingerprint: pin}}, ErrBadValue},
		} {
			wants(t, c.what, s.AddPool(t.Context(), c.pool), c.kind)
		}
		p := s.Snapshot().Pool("a.example:1")
		want := Pool{Address: "a.example:1", Host: "a.example", Port: 1, Algorithm: "sha256d", Options: PoolOptions{TLS: true, TLSInsecure: true,
			TLSFingerprint: strings.Repeat("0a", 32), Workers: WorkersPass, Mode: ModeDirect, Links: MaxLinks, SuggestDifficulty: 0.5}}
		if p == nil || *p != want {
			t.Errorf("stored as %+v, want %+v", p, want)
		}
		if s.Snapshot().Pool("[2001:db8::1]:3333") == nil {
			t.Error("the IPv6 pool is not there")
		}
		must(t, s.ChangePool(t.Context(), Pool{Address: "A.example:1", Algorithm: "scrypt"}, nil, nil))
		if p, err := s.Pool(t.Context(), "A.example:1"); err != nil || p.Algorithm != "scrypt" || p.Options != (PoolOptions{}) || *s.Snapshot().Pool("a.example:1") != p {
			t.Errorf("changed to %+v, %v", p, err)
		}
		wants(t, "change to an unknown algorithm", s.ChangePool(t.Context(), Pool{Address: "a.example:1", Algorithm: "x99"}, nil, nil), ErrUnknownAlgorithm)
		wants(t, "change an unknown pool", s.ChangePool(t.Context(), Pool{Address: "b.example:1", Algorithm: "scrypt"}, nil, nil), ErrUnknownPool)
		for filter, total := range map[Filter]int{{}: 5, {Algorithm: "sha256"}: 1, {Search: "LTC"}: 2, {Search: "scrypt"}: 4, {PerPage: 1}: 5} {
			if page, err := s.Pools(t.Context(), filter); err != nil || page.Total != total {
				t.Errorf("%+v: %d pools, %v; want %d", filter, page.Total, err, total)
			}
		}
	})
}

func TestDeletePool(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		one, two := mustRegister(t, s, "btc.example:3333", "one", ""), mustRegister(t, s, "btc.example:3333", "two", "")
		other := mustRegister(t, s, "ltc.example:3333", "one", "")
		_, err := s.DeletePool(t.Context(), "btc.example:3333", false)
		wants(t, "with accounts", err, ErrInUse)
		_, err = s.DeletePool(t.Context(), "no.example:3333", true)
		wants(t, "unknown", err, ErrUnknownPool)
		if s.Snapshot().NumAccounts() != 3 || s.Snapshot().Pool("btc.example:3333") == nil {
			t.Fatal("something was deleted")
		}
		if n, err := s.DeletePool(t.Context(), "btc.example:3333", true); n != 2 || err != nil {
			t.Errorf("deleted with %d accounts, %v; want 2", n, err)
		}
		after := s.Snapshot()
		if after.Pool("btc.example:3333") != nil || after.Account(one) != nil || after.Account(two) != nil || after.Account(other) == nil {
			t.Error("the snapshot has another pool and other accounts than it should")
		}
		if n, err := s.DeletePool(t.Context(), "ltc.example:443", false); n != 0 || err != nil {
			t.Errorf("without accounts: %d, %v", n, err)
		}
	})
}

func TestAlgorithms(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		for _, c := range []struct {
			name    string
			divider float64
			kind    error
		}{
			{"New-Algo", 0.5, nil},
			{"new-algo", 1, ErrExists},
			{"sha256", 1, ErrExists}, // it is sha256d
			{"zero", 0, ErrBadValue},
			{"negative", -1, ErrBadValue},
			{"nan", math.NaN(), ErrBadValue},
			{"inf", math.Inf(1), ErrBadValue},
			{"", 1, ErrBadValue},
			{"a b", 1, ErrBadValue},
			{`a"b`, 1, ErrBadValue},
			{strings.Repeat("a", 33), 1, ErrBadValue},
		} {
			wants(t, c.name, s.AddAlgorithm(t.Context(), Algorithm{c.name, c.divider}), c.kind)
		}
		must(t, s.ChangeAlgorithm(t.Context(), Algorithm{"SHA256", 2}))
		if a, err := s.Algorithm(t.Context(), "sha256"); err != nil || a != (Algorithm{"sha256d", 2}) || *s.Snapshot().Algorithm("sha256") != a {
			t.Errorf("changed to %+v, %v", a, err)
		}
		wants(t, "change an unknown one", s.ChangeAlgorithm(t.Context(), Algorithm{"x99", 2}), ErrUnknownAlgorithm)
		wants(t, "delete one of pools", s.DeleteAlgorithm(t.Context(), "scrypt"), ErrInUse)
		wants(t, "delete", s.DeleteAlgorithm(t.Context(), "NEW-algo"), nil)
		wants(t, "delete twice", s.DeleteAlgorithm(t.Context(), "new-algo"), ErrUnknownAlgorithm)
		if s.Snapshot().Algorithm("new-algo") != nil {
			t.Error("still in the snapshot")
		}
		if page, err := s.Algorithms(t.Context(), Filter{Search: "SHA"}); err != nil || page.Total != 1 || page.Items[0].Name != "sha256d" {
			t.Errorf("searched: %+v, %v", page, err)
		}
	})
}

// After a restart everything is there, decrypted with the old key.
func TestRestart(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		first, err := Open(t.Context(), d.options())
		must(t, err)
		name := mustRegister(t, withPools(t, first), "btc.example:3333", "farm", "pässword ✓")
		must(t, first.Close())
		s := d.open(t)
		a := s.Snapshot().Account(name)
		if a == nil || a.Password.Reveal() != "pässword ✓" || a.Pool != "btc.example:3333" || a.User != "farm" || a.Created.IsZero() {
			t.Errorf("%+v", a)
		}
		if len(collect(s.Snapshot().Pools())) != 3 || s.Snapshot().Algorithm("scrypt").Divider != 65536 {
			t.Error("pools or algorithms are not there")
		}
	})
}

// A store serves from the file alone, which does not contain the passwords.
func TestPasswordsAreNotInTheFile(t *testing.T) {
	dir := t.TempDir()
	d := &testDatabase{url: "sqlite://" + filepath.Join(dir, "farm.db")}
	s, err := Open(t.Context(), Options{URL: d.url, Unseeded: true})
	must(t, err)
	mustRegister(t, withPools(t, s), "btc.example:3333", "visible-user", "hidden-password")
	must(t, s.Close())
	var all strings.Builder
	files, err := os.ReadDir(dir)
	must(t, err)
	for _, f := range files {
		info, err := f.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %v", f.Name(), info.Mode())
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		must(t, err)
		all.Write(text)
	}
	if !strings.Contains(all.String(), "visible-user") {
		t.Error("the user is not in the file: this test looks at the wrong one")
	}
	if strings.Contains(all.String(), "hidden-password") {
		t.Error("the password is in the file")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	type inside struct{ hidden Secret }
	s := NewSecret("hunter2")
	a := Account{Name: "n", Password: s}
	encoded, err := json.Marshal(a)
	must(t, err)
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%s %v %+v %#v %q %x %d", s, s, s, s, s, s, s), string(encoded),
		fmt.Sprintf("%v %+v %#v", a, a, a), fmt.Sprintf("%v %+v %#v", &a, []Account{a}, inside{s}), s.LogValue().String(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("printed: %s", text)
		}
	}
	if s.Reveal() != "hunter2" || (Secret{}).Reveal() != "" {
		t.Error("Reveal does not reveal")
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	s := withPools(t, (&testDatabase{url: "sqlite://" + filepath.Join(t.TempDir(), "f.db")}).open(t))
	_, _, err := s.Register(t.Context(), "no.example:3333", "farm", "hunter2", nil)
	if !strings.Contains(err.Error(), "no.example:3333") || !strings.Contains(err.Error(), "add it") {
		t.Errorf("%v", err)
	}
	if errors.Is(err, ErrUnavailable) {
		t.Error("counts as the database's fault")
	}
}
