package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// Two stores on one database see each other's changes without being notified.
func TestTwoBoxes(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		one, two := withPools(t, d.open(t)), d.open(t)
		name := mustRegister(t, one, "btc.example:3333", "farm", "first")
		await(t, two, "registered", func(s *Snapshot) bool { return s.Account(name) != nil })
		mustRegister(t, two, "btc.example:3333", "farm", "second")
		await(t, one, "password changed", func(s *Snapshot) bool { return s.Account(name).Password.Reveal() == "second" })
		must(t, one.ChangePool(t.Context(), Pool{Address: "btc.example:3333", Algorithm: "scrypt", Options: PoolOptions{Links: 3}}, nil, nil))
		await(t, two, "pool changed", func(s *Snapshot) bool { return s.Pool("btc.example:3333").Options.Links == 3 })
		must(t, one.ChangeAlgorithm(t.Context(), Algorithm{"sha256d", 5}))
		await(t, two, "algorithm changed", func(s *Snapshot) bool { return s.Algorithm("sha256").Divider == 5 })
		must(t, two.DeleteAccount(t.Context(), name))
		await(t, one, "account deleted", func(s *Snapshot) bool { return s.Account(name) == nil })
		_, err := two.DeletePool(t.Context(), "btc.example:3333", false)
		must(t, err)
		must(t, two.DeleteAlgorithm(t.Context(), "sha256d"))
		await(t, one, "pool and algorithm deleted", func(s *Snapshot) bool {
			return s.Pool("btc.example:3333") == nil && s.Algorithm("sha256d") == nil
		})
		must(t, one.AddAlgorithm(t.Context(), Algorithm{"sha256d", 1}))
		await(t, two, "made again", func(s *Snapshot) bool { return s.Algorithm("sha256d") != nil })
	})
}

// A machine that was away for longer than removals are kept reads everything anew.
func TestOldRemovalsAreForgotten(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		c := newClocks()
		one := withPools(t, d.open(t, c.of))
		asleep := d.open(t, func(o *Options) { o.Poll = time.Hour })
		gone := mustRegister(t, one, "btc.example:3333", "gone", "")
		must(t, asleep.refresh(t.Context()))
		must(t, one.DeleteAccount(t.Context(), gone))
		c.pass(removalsKept + time.Minute)
		other := mustRegister(t, one, "btc.example:3333", "other", "")
		must(t, one.DeleteAccount(t.Context(), other)) // cleans up
		var left int
		must(t, one.db.QueryRow("SELECT COUNT(*) FROM removals").Scan(&left))
		if left != 1 {
			t.Errorf("%d removals are kept, want the last one", left)
		}
		if asleep.Snapshot().Account(gone) == nil {
			t.Fatal("the sleeping box has heard of it: this test tests nothing")
		}
		must(t, asleep.refresh(t.Context()))
		if asleep.Snapshot().Account(gone) != nil || asleep.Snapshot().Pool("btc.example:3333") == nil {
			t.Error("the account is still there, or the pool is not")
		}
	})
}

// A database restored from a backup has an older version.
func TestRestoredBackup(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		name := mustRegister(t, s, "btc.example:3333", "farm", "")
		d.exec(t, "DELETE FROM accounts")
		d.exec(t, "UPDATE registry SET version = 2")
		await(t, s, "the account is gone", func(s *Snapshot) bool { return s.Account(name) == nil && s.Pool("btc.example:3333") != nil })
	})
}

// Later changes do not disturb readers of an old snapshot.
func TestSnapshotIsImmutable(t *testing.T) {
	s := withPools(t, (&testDatabase{url: "sqlite://" + filepath.Join(t.TempDir(), "f.db")}).open(t))
	name := mustRegister(t, s, "btc.example:3333", "farm", "old")
	before := s.Snapshot()
	account := before.Account(name)
	mustRegister(t, s, "btc.example:3333", "farm", "new")
	must(t, s.DeleteAccount(t.Context(), name))
	if before.Account(name) != account || account.Password.Reveal() != "old" || before.NumAccounts() != 1 {
		t.Error("the old snapshot has changed")
	}
	if s.Snapshot().Version() <= before.Version() {
		t.Error("the version did not grow")
	}
}

// The database has stopped answering in the middle of a refresh, as it may at the start:
// who subscribes gets what is known, or no miner would be served until then.
func TestSubscribersDoNotWaitForTheDatabase(t *testing.T) {
	s := newSQLite(t).open(t)
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	told := make(chan *Snapshot, 1)
	go s.Subscribe(func(snapshot *Snapshot) { told <- snapshot })
	select {
	case snapshot := <-told:
		if snapshot != s.Snapshot() {
			t.Errorf("told of version %d, known is %d", snapshot.Version(), s.Snapshot().Version())
		}
	case <-time.After(patience):
		t.Error("it waits")
	}
}

func TestSubscribersSeeEveryVersionInOrder(t *testing.T) {
	s := withPools(t, (&testDatabase{url: "sqlite://" + filepath.Join(t.TempDir(), "f.db")}).open(t))
	var versions []int64
	s.Subscribe(func(snapshot *Snapshot) { versions = append(versions, snapshot.Version()) })
	done := make(chan string)
	const writers = 6
	for i := range writers {
		go func() {
			name, _, err := s.Register(t.Context(), "btc.example:3333", fmt.Sprint("user", i), "", nil)
			if err != nil || s.Snapshot().Account(name) == nil {
				t.Errorf("registered %q, %v, but it is not in the snapshot", name, err)
			}
			done <- name
		}()
	}
	for range writers {
		<-done
	}
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	for i := 1; i < len(versions); i++ {
		if versions[i] <= versions[i-1] {
			t.Fatalf("versions %v", versions)
		}
	}
	if len(versions) < 2 || versions[len(versions)-1] != s.Snapshot().Version() {
		t.Errorf("versions %v, the snapshot has %d", versions, s.Snapshot().Version())
	}
}

func TestLayered(t *testing.T) {
	one, two, three := 1, 2, 3
	many := make(map[string]*int)
	for i := range maxRecent + 1 {
		many[fmt.Sprint(i)] = &one
	}
	var l layered[int]
	for _, step := range []struct {
		what    string
		changed map[string]*int
		size    int
		recent  bool // there is something in the upper layer
	}{
		{"nothing", nil, 0, false},
		{"one", map[string]*int{"a": &one}, 1, true},
		{"changed", map[string]*int{"a": &two}, 1, true},
		{"removed what is not there", map[string]*int{"b": nil}, 1, true},
		{"many", many, maxRecent + 2, false},
		{"removed from below", map[string]*int{"0": nil, "1": nil}, maxRecent, true},
		{"removed twice", map[string]*int{"0": nil}, maxRecent, true},
		{"came back", map[string]*int{"0": &three}, maxRecent + 1, true},
		{"many again", many, maxRecent + 2, false},
	} {
		before := l
		beforeSize := len(collect(before.all()))
		l = l.with(step.changed)
		if l.len() != step.size || len(collect(l.all())) != step.size || (len(l.recent) > 0) != step.recent {
			t.Errorf("%s: %d, yields %d, want %d; %d in the upper layer", step.what, l.len(), len(collect(l.all())), step.size, len(l.recent))
		}
		for name, v := range step.changed {
			if l.get(name) != v {
				t.Errorf("%s: %s is %v, want %v", step.what, name, l.get(name), v)
			}
		}
		if len(collect(before.all())) != beforeSize {
			t.Errorf("%s: the map of before has changed", step.what)
		}
	}
	if *l.get("a") != 2 {
		t.Errorf("a is %d, want 2", *l.get("a"))
	}
}

// The cost of a registration when there are already many accounts, and the cost of a
// login.
func BenchmarkRegister(b *testing.B) {
	s, err := Open(b.Context(), Options{URL: "sqlite://" + filepath.Join(b.TempDir(), "f.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	fill(b, s, 100_000)
	b.Run("new", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, _, err := s.Register(b.Context(), "litecoinpool.org:3333", fmt.Sprint(b.N, "-", i), "x", nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := s.Register(b.Context(), "stratum.braiins.com:3333", "user7", "x", nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("login", func(b *testing.B) {
		var name string
		for a := range s.Snapshot().Accounts() {
			name = a.Name
		}
		b.ReportAllocs()
		for b.Loop() {
			if a := s.Snapshot().Account(name); a == nil || s.Snapshot().Pool(a.Pool) == nil {
				b.Fatal("not there")
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.snapshot.Store(&Snapshot{})
			if err := s.refresh(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func fill(b *testing.B, s *Store, accounts int) {
	b.Helper()
	err := s.write(b.Context(), func(t *transaction, version int64) error {
		for i := range accounts {
			a := Account{Name: fmt.Sprintf("%016x", i), Pool: "stratum.braiins.com:3333", User: fmt.Sprint("user", i), Password: NewSecret("x"), Created: s.options.Now()}
			if err := s.insertAccount(t, a, version); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
