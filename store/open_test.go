package store

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func collect[T any](all iter.Seq[*T]) (items []*T) {
	for item := range all {
		items = append(items, item)
	}
	return items
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	must(t, os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600))
	for _, c := range []struct {
		what, url, key string
		kind           error
	}{
		{"no URL", "", "", ErrBadValue},
		{"a path", "/var/lib/farmproxy.db", "", ErrBadValue},
		{"another database", "mysql://user:hunter2@host/db", "", ErrBadValue},
		{"a broken URL", "postgres://user:hunter2@host:port/db", "", ErrBadValue},
		{"SQLite without a path", "sqlite://", "", ErrBadValue},
		{"a # in the path", "sqlite://" + filepath.Join(dir, "a#b.db"), "", ErrBadValue},
		{"a ? in the path", "sqlite://" + filepath.Join(dir, "a?b.db"), "", ErrBadValue},
		{"no directory", "sqlite://" + filepath.Join(dir, "none", "f.db"), "", ErrUnavailable},
		{"a directory", "sqlite://" + dir, "", ErrUnavailable},
		{"not a database", "sqlite://" + text, "", ErrDamaged},
		{"PostgreSQL without a key file", "postgres://user:hunter2@127.0.0.1:1/db", "", ErrBadValue},
		{"nobody there", "postgres://user:hunter2@127.0.0.1:1/db", filepath.Join(dir, "key"), ErrUnavailable},
	} {
		_, err := Open(t.Context(), Options{URL: c.url, KeyFile: c.key})
		wants(t, c.what, err, c.kind)
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password: %v", c.what, err)
		}
	}
	if exists(filepath.Join(dir, "key")) {
		t.Error("a key was made for a store that could not be opened")
	}
}

func TestOddFileNames(t *testing.T) {
	dir := t.TempDir()
	for name, escaped := range map[string]string{"a#b.db": "a%23b.db", "a?b.db": "a%3fb.db", "50%25.db": "50%2525.db", "a b.db": "a b.db", "é.db": "é.db"} {
		s, err := Open(t.Context(), Options{URL: "sqlite://" + dir + "/" + escaped, Unseeded: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		must(t, s.Close())
		if !exists(filepath.Join(dir, name)) || !exists(filepath.Join(dir, name+".key")) {
			t.Errorf("%s was not made, or has no key", name)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Size() == 0 {
			t.Errorf("%s is empty: the database is elsewhere", name)
		}
	}
}

func TestBind(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1":                 "SELECT 1",
		"a = ?":                    "a = $1",
		"a = ? AND b IN (?,?)":     "a = $1 AND b IN ($2,$3)",
		"? ? ? ? ? ? ? ? ? ? ? z ": "$1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 z ",
	} {
		if got := (&database{postgres: true}).bind(query); got != want {
			t.Errorf("PostgreSQL: %q became %q", query, got)
		}
		if got := (&database{}).bind(query); got != query {
			t.Errorf("SQLite: %q became %q", query, got)
		}
	}
}

func TestKeyFile(t *testing.T) {
	other := strings.Repeat("ab", keySize)
	for _, c := range []struct {
		what string
		harm func(t *testing.T, key string) error
		kind error
	}{
		{"missing", func(_ *testing.T, key string) error { return os.Remove(key) }, ErrKeyMissing},
		{"another", func(_ *testing.T, key string) error { return os.WriteFile(key, []byte(other), 0o600) }, ErrWrongKey},
		{"cut off", func(_ *testing.T, key string) error { return os.Truncate(key, 10) }, ErrBadKey},
		{"empty", func(_ *testing.T, key string) error { return os.Truncate(key, 0) }, ErrBadKey},
		{"open to everybody", func(_ *testing.T, key string) error { return os.Chmod(key, 0o644) }, ErrBadKey},
		{"open to the group", func(_ *testing.T, key string) error { return os.Chmod(key, 0o640) }, nil},
		{"whole", func(*testing.T, string) error { return nil }, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, d *testDatabase) {
				s, err := Open(t.Context(), d.options())
				must(t, err)
				must(t, s.Close())
				if info, err := os.Stat(d.key); err != nil || info.Mode().Perm() != 0o600 {
					t.Fatalf("the key file: %v, %v", info.Mode(), err)
				}
				must(t, c.harm(t, d.key))
				before, _ := os.ReadFile(d.key)
				s, err = Open(t.Context(), d.options())
				wants(t, c.what, err, c.kind)
				if err == nil {
					must(t, s.Close())
				} else if !strings.Contains(err.Error(), d.key) {
					t.Errorf("the error does not name the file: %v", err)
				}
				if after, _ := os.ReadFile(d.key); string(after) != string(before) {
					t.Errorf("the key file was changed, from %d to %d bytes", len(before), len(after))
				}
				if c.kind == ErrKeyMissing && exists(d.key) {
					t.Error("a new key was made, as if nothing were encrypted")
				}
			})
		})
	}
}

// A machine with a key of its own can't join another's store, and leaves no key behind
// that would block the right one.
func TestSecondBoxNeedsTheSameKey(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		d.open(t)
		second := filepath.Join(t.TempDir(), "key")
		options := d.options()
		options.KeyFile = second
		_, err := Open(t.Context(), options)
		wants(t, "without a key", err, ErrKeyMissing)
		if exists(second) {
			t.Error("a key was made")
		}
		key, err := os.ReadFile(d.key)
		must(t, err)
		must(t, os.WriteFile(second, key, 0o600))
		s, err := Open(t.Context(), options)
		must(t, err)
		must(t, s.Close())
	})
}

// Machines that start at the same moment on an empty database create one schema and one
// list.
func TestOpenAtOnce(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		opened := make(chan error)
		const boxes = 4
		for range boxes {
			go func() {
				options := d.options()
				options.Unseeded = false
				s, err := Open(context.Background(), options)
				if err == nil {
					err = s.Close()
				}
				opened <- err
			}()
		}
		for range boxes {
			if err := <-opened; err != nil {
				t.Error(err)
			}
		}
		if n := len(collect(d.open(t).Snapshot().Algorithms())); n != len(shipped().algorithms) {
			t.Errorf("%d algorithms, want %d", n, len(shipped().algorithms))
		}
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		d.open(t)
		d.exec(t, "INSERT INTO migrations (number, name) VALUES (9999, 'from the future')")
		_, err := Open(t.Context(), d.options())
		wants(t, "opened", err, ErrSchema)
	})
}

func TestSeeds(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		seeded := func(o *Options) { o.Unseeded = false }
		s := d.open(t, seeded)
		for name, divider := range map[string]float64{"sha256": 1, "sha256d": 1, "scrypt": 65536, "x11": 1, "keccak": 128, "neoscrypt": 65536, "sib": 1} {
			if a := s.Snapshot().Algorithm(name); a == nil || a.Divider != divider {
				t.Errorf("%s: %+v, want divider %v", name, a, divider)
			}
		}
		if p := s.Snapshot().Pool("litecoinpool.org:3333"); p == nil || p.Algorithm != "scrypt" {
			t.Errorf("litecoinpool: %+v", p)
		}
		// the operator's changes stay
		must(t, s.ChangeAlgorithm(t.Context(), Algorithm{"keccak", 256}))
		must(t, s.DeleteAlgorithm(t.Context(), "x17"))
		_, err := s.DeletePool(t.Context(), "litecoinpool.org:3333", false)
		must(t, err)
		again := d.open(t, seeded).Snapshot()
		if again.Algorithm("keccak").Divider != 256 || again.Algorithm("x17") != nil || again.Pool("litecoinpool.org:3333") != nil {
			t.Error("the second start has undone a change")
		}
	})
}

func TestShippedAlgorithm(t *testing.T) {
	for name, divider := range map[string]float64{"sha256d": 1, "SHA256": 1, "scrypt": 65536} {
		if a, ok := ShippedAlgorithm(name); !ok || a.Divider != divider {
			t.Errorf("%s: %+v, %v", name, a, ok)
		}
	}
	if a, ok := ShippedAlgorithm("nothing"); ok {
		t.Errorf("nothing is %+v", a)
	}
}

// The shipped lists are well formed, cite a source for each line, and name no algorithm
// outside them.
func TestShippedLists(t *testing.T) {
	known := make(map[string]bool)
	for _, a := range shipped().algorithms {
		if known[a.Name] {
			t.Errorf("%s is there twice", a.Name)
		}
		known[a.Name] = true
		stored := a
		if err := stored.check(); err != nil || stored != a {
			t.Errorf("%+v would be stored as %+v, %v", a, stored, err)
		}
	}
	for alias, name := range shipped().aliases {
		if known[alias] || !known[name] || alias != strings.ToLower(alias) {
			t.Errorf("alias %s of %s", alias, name)
		}
	}
	addresses := make(map[string]bool)
	for _, p := range shipped().pools {
		stored := p
		if err := stored.check(); err != nil || stored.Address != p.Address || stored.Algorithm != p.Algorithm {
			t.Errorf("%s would be stored as %+v, %v", p.Address, stored, err)
		}
		if addresses[p.Address] || !known[p.Algorithm] {
			t.Errorf("%s: twice, or of unknown algorithm %s", p.Address, p.Algorithm)
		}
		addresses[p.Address] = true
	}
	for name, text := range map[string][]byte{"algorithms": algorithmsCSV, "pools": poolsCSV} {
		header := map[string]string{"algorithms": "name,divider,aliases,source", "pools": "pool,algorithm,options,source"}[name]
		lines, err := readCSV(text, header)
		must(t, err)
		for _, line := range lines {
			if line[3] == "" {
				t.Errorf("%s: %s has no source", name, line[0])
			}
		}
	}
}
