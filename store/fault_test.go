package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// While the tables are gone, what is known keeps serving; once they are back,
// everything works again.
func TestDatabaseAwayAndBack(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		name := mustRegister(t, s, "btc.example:3333", "farm", "x")
		d.exec(t, "ALTER TABLE registry RENAME TO elsewhere")
		awaitHealth(t, s, false)
		var away *Unavailable
		if err := s.Healthy(); !errors.As(err, &away) || !errors.Is(err, ErrUnavailable) || away.Since.IsZero() || away.Err == nil {
			t.Errorf("unhealthy as %v", err)
		}
		first := away
		if s.Snapshot().Account(name) == nil {
			t.Error("the account is not served any more")
		}
		_, _, err := s.Register(t.Context(), "btc.example:3333", "other", "x", nil)
		wants(t, "registered meanwhile", err, ErrUnavailable)
		_, _, err = s.WouldRegister(t.Context(), "btc.example:3333", "other", "x")
		wants(t, "would be registered meanwhile", err, ErrUnavailable)
		_, _, err = s.WouldDelete(t.Context(), name)
		wants(t, "would be deleted meanwhile", err, ErrUnavailable)
		eventually(t, "another attempt", func() bool { return s.health.Load() != first })
		if err := s.Healthy(); !errors.As(err, &away) || !away.Since.Equal(first.Since) {
			t.Errorf("away since %v, later since %v", first.Since, away.Since)
		}
		d.exec(t, "ALTER TABLE elsewhere RENAME TO registry")
		awaitHealth(t, s, true)
		mustRegister(t, s, "btc.example:3333", "other", "x")
	})
}

// The same with the network cut, and a change made on its far side.
func TestConnectionCutAndBack(t *testing.T) {
	d := newPostgres(t)
	near := withPools(t, d.open(t))
	through, wire := d.throughWire(t)
	far := through.open(t)
	name := mustRegister(t, far, "btc.example:3333", "farm", "x")
	far.Touch([]string{name})

	wire.set(true)
	awaitHealth(t, far, false)
	other := mustRegister(t, near, "btc.example:3333", "meanwhile", "x")
	if s := far.Snapshot(); s.Account(name) == nil || s.Account(other) != nil {
		t.Error("the last snapshot does not serve as it was")
	}
	_, _, err := far.Register(t.Context(), "btc.example:3333", "late", "x", nil)
	wants(t, "registered over a cut wire", err, ErrUnavailable)
	if err := far.flush(t.Context()); !errors.Is(err, ErrUnavailable) || len(far.touched.at) != 1 {
		t.Errorf("flushed over a cut wire: %v, %d times kept", err, len(far.touched.at))
	}

	wire.set(false)
	awaitHealth(t, far, true)
	await(t, far, "the change of meanwhile", func(s *Snapshot) bool { return s.Account(other) != nil })
	must(t, far.flush(t.Context()))
	if a, err := near.Account(t.Context(), name); err != nil || a.LastSeen.IsZero() {
		t.Errorf("last seen %v, %v", a.LastSeen, err)
	}
}

// A transaction that lost to another one is repeated.
func TestLostTransactionIsRepeated(t *testing.T) {
	d := newPostgres(t)
	s := withPools(t, d.open(t))
	attempts := 0
	err := s.write(t.Context(), func(tx *transaction, version int64) error {
		attempts++
		if attempts < 3 { // CockroachDB says this whenever it likes
			_, err := tx.exec("DO $$ BEGIN RAISE EXCEPTION 'restart transaction' USING ERRCODE = '40001'; END $$")
			return err
		}
		return insertAlgorithm(tx, Algorithm{"third", 3}, version)
	})
	if err != nil || attempts != 3 || s.Snapshot().Algorithm("third") == nil {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

func TestCanceledCallEnds(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := s.Register(ctx, "btc.example:3333", "farm", "x", nil)
		wants(t, "registered", err, ErrUnavailable)
		if s.Snapshot().NumAccounts() != 0 {
			t.Error("registered all the same")
		}
	})
}

// A damaged password costs one account, not all, and registering repairs it.
func TestDamagedPassword(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		name, other := mustRegister(t, s, "btc.example:3333", "farm", "x"), mustRegister(t, s, "btc.example:3333", "other", "x")
		d.exec(t, "UPDATE accounts SET password = ? WHERE name = ?", []byte("nonsense, and long enough for a nonce"), name)
		again := d.open(t)
		if again.Snapshot().Account(name) != nil || again.Snapshot().Account(other) == nil {
			t.Error("not just the damaged account is missing")
		}
		if mended := mustRegister(t, again, "btc.example:3333", "farm", ""); mended != name || again.Snapshot().Account(name) == nil {
			t.Errorf("registered again as %s, was %s", mended, name)
		}
	})
}

// An attacker who can write to the database, but has no key, can't make one account use
// another's password.
func TestPasswordsCantBeSwapped(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		one, two := mustRegister(t, s, "btc.example:3333", "one", "a"), mustRegister(t, s, "btc.example:3333", "two", "b")
		d.exec(t, "UPDATE accounts SET password = (SELECT password FROM accounts WHERE name = ?) WHERE name = ?", one, two)
		if a := d.open(t).Snapshot().Account(two); a != nil {
			t.Errorf("two has the password %q", a.Password.Reveal())
		}
	})
}

// crashFile tells a child process of this test which store to write to.
const crashFile = "FARMPROXY_TEST_CRASH"

func TestMain(m *testing.M) {
	if file := os.Getenv(crashFile); file != "" {
		registerForEver(file)
	}
	os.Exit(m.Run())
}

// registerForEver prints each name once it is confirmed.
func registerForEver(file string) {
	s, err := Open(context.Background(), Options{URL: "sqlite://" + file})
	for i := 0; err == nil; i++ {
		var name string
		user := fmt.Sprint("user", i)
		if name, _, err = s.Register(context.Background(), "litecoinpool.org:3333", user, "password of "+user, nil); err == nil {
			_, err = fmt.Println(user, name)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// The process is killed with -9 in the middle of writing, five times: nothing confirmed
// is lost, nothing is there twice, and the store opens as it is.
func TestKilledWhileWriting(t *testing.T) {
	file := filepath.Join(t.TempDir(), "farm.db")
	answered := make(map[string]string)
	for kill := range 5 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashFile+"="+file)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		lines := bufio.NewScanner(out)
		for range 20 + 7*kill {
			if !lines.Scan() {
				t.Fatalf("the child ended: %v", lines.Err())
			}
			var user, name string
			_, err := fmt.Sscan(lines.Text(), &user, &name)
			must(t, err)
			if old := answered[user]; old != "" && old != name {
				t.Fatalf("%s was %s and is %s", user, old, name)
			}
			answered[user] = name
		}
		must(t, child.Process.Kill())
		for lines.Scan() { // what it confirmed before it died
			var user, name string
			if n, _ := fmt.Sscan(lines.Text(), &user, &name); n == 2 && len(name) == 16 {
				answered[user] = name
			}
		}
		child.Wait()
	}
	s, err := Open(t.Context(), Options{URL: "sqlite://" + file})
	must(t, err)
	defer s.Close()
	for user, name := range answered {
		a := s.Snapshot().Account(name)
		if a == nil || a.User != user || a.Password.Reveal() != "password of "+user {
			t.Errorf("%s, answered %s: %+v", user, name, a)
		}
	}
	users := make(map[string]bool)
	for a := range s.Snapshot().Accounts() {
		if users[a.User] {
			t.Errorf("%s is there twice", a.User)
		}
		users[a.User] = true
	}
	if extra := len(users) - len(answered); extra < 0 || extra > 1 {
		t.Errorf("%d accounts for %d answers; want as many, or the one more that was cut off", len(users), len(answered))
	}
	var verdict string
	must(t, s.db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("integrity: %s", verdict)
	}
}
