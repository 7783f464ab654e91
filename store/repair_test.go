package store

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// damage overwrites the page of a database where the accounts begin.
func damage(t *testing.T, file string) []byte {
	t.Helper()
	// What is still in the log would cover the damage.
	d, err := openPlain(file)
	must(t, err)
	var busy, pages, moved, size, root int
	must(t, d.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved))
	must(t, d.QueryRowContext(t.Context(), "PRAGMA page_size").Scan(&size))
	must(t, d.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = 'accounts'").Scan(&root))
	must(t, d.Close())
	if busy != 0 {
		t.Fatal("the log of the database is in use")
	}
	text, err := os.ReadFile(file)
	must(t, err)
	copy(text[(root-1)*size:root*size], strings.Repeat("damaged ", size))
	must(t, os.WriteFile(file, text, 0o600))
	return text
}

func listDirectory(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	must(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A damaged file is moved aside unchanged; its accounts live on in a new one.
func TestRepair(t *testing.T) {
	for _, c := range []struct {
		what string
		harm func(t *testing.T, file string) []byte
	}{
		{"a damaged page", damage},
		{"no database at all", func(t *testing.T, file string) []byte {
			text := []byte(strings.Repeat("this is no database\n", 500))
			must(t, os.WriteFile(file, text, 0o600))
			return text
		}},
		{"a header cut off", func(t *testing.T, file string) []byte {
			must(t, os.Truncate(file, 1000))
			text, err := os.ReadFile(file)
			must(t, err)
			return text
		}},
		{"no file", func(t *testing.T, file string) []byte { must(t, os.Remove(file)); return nil }},
		{"an empty one", func(t *testing.T, file string) []byte { must(t, os.Truncate(file, 0)); return []byte{} }},
	} {
		t.Run(c.what, func(t *testing.T) {
			d := newSQLite(t)
			state := remembering(t)
			account := d.remembered(t, state)
			before, err := os.ReadFile(d.key)
			must(t, err)
			harmed := c.harm(t, d.file(t))
			wantsAway(t, d, state)

			r, err := Repair(t.Context(), d.with(state))
			must(t, err)
			if r.Whole || r.Accounts != 1 || r.Remembered.IsZero() || r.Unusable != nil || (len(r.Moved) == 1) != (harmed != nil) {
				t.Errorf("%+v", r)
			}
			for _, aside := range r.Moved {
				if text, err := os.ReadFile(aside); err != nil || len(harmed) > 0 && string(text) != string(harmed) {
					t.Errorf("%s is not the damaged file: %d bytes, %v", aside, len(text), err)
				}
			}
			if after, err := os.ReadFile(d.key); err != nil || string(after) != string(before) {
				t.Errorf("the key was touched: %v", err)
			}
			s, _ := d.start(t, state)
			must(t, s.Healthy())
			if a := s.Snapshot().Account(account); a == nil || a.Password.Reveal() != "hunter2" || a.Created.IsZero() || s.Snapshot().Recalled() {
				t.Errorf("the account is %+v", a)
			}
			if s.Snapshot().Algorithm("scrypt").Divider != 65536 || len(collect(s.Snapshot().Pools())) != 3 {
				t.Error("pools or algorithms are not there")
			}
			again, err := Repair(t.Context(), d.with(state))
			wants(t, "while a farmproxy has it open", err, ErrLocked)
			if len(again.Moved) > 0 {
				t.Errorf("moved %v under a farmproxy", again.Moved)
			}
			for _, name := range listDirectory(t, filepath.Dir(d.file(t))) {
				if strings.Contains(name, ".making") {
					t.Errorf("%s is left", name)
				}
			}
		})
	}
}

// A file moved aside is not overwritten by the next one.
func TestMovedAsideTwiceInASecond(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.db")
	now := time.Now()
	seen := make(map[string]bool)
	for range 3 {
		must(t, os.WriteFile(file, nil, 0o600))
		must(t, os.WriteFile(file+"-wal", nil, 0o600))
		moved, err := moveAside(file, now)
		must(t, err)
		for _, name := range moved {
			seen[name] = true
		}
	}
	if len(seen) != 6 || exists(file) || exists(file+"-wal") {
		t.Errorf("moved to %v", seen)
	}
}

// wantsAway checks that a start with the file fails, and leaves it there.
func wantsAway(t *testing.T, d *testDatabase, state func(*Options)) {
	t.Helper()
	options := d.with(state)
	s, err := Start(options)
	must(t, err)
	wants(t, "started on it", s.Healthy(), ErrUnavailable)
	must(t, s.Close())
}

func TestRepairLeavesAloneWhatIsWhole(t *testing.T) {
	d := newSQLite(t)
	state := remembering(t)
	d.remembered(t, state)
	before := listDirectory(t, filepath.Dir(d.file(t)))
	r, err := Repair(t.Context(), d.with(state))
	if err != nil || !r.Whole || len(r.Moved) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if after := listDirectory(t, filepath.Dir(d.file(t))); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the directory had %v, has %v", before, after)
	}
}

// If nothing is remembered, or it can't be read, there is no new store: an empty one
// would look like the truth.
func TestRepairWithoutMemory(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		d := newSQLite(t)
		d.remembered(t, func(*Options) {})
		damage(t, d.file(t))
		r, err := Repair(t.Context(), d.options())
		if err != nil || len(r.Moved) != 1 || !r.Remembered.IsZero() || r.Unusable != nil || exists(d.file(t)) {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("sealed with a lost key", func(t *testing.T) {
		d := newSQLite(t)
		state := remembering(t)
		d.remembered(t, state)
		damage(t, d.file(t))
		must(t, os.Remove(d.key))
		r, err := Repair(t.Context(), d.with(state))
		if err != nil || len(r.Moved) != 1 || !r.Remembered.IsZero() || exists(d.file(t)) || exists(d.key) {
			t.Errorf("%+v, %v", r, err)
		}
		wants(t, "what is remembered", r.Unusable, ErrKeyMissing)
	})
}

func TestRepairRefuses(t *testing.T) {
	d := newSQLite(t)
	for _, c := range []struct {
		what, url string
		kind      error
	}{
		{"PostgreSQL", "postgres://user:hunter2@127.0.0.1:1/db", ErrBadValue},
		{"no URL", "", ErrBadValue},
		{"no directory", d.url + "/none/farm.db", ErrUnavailable},
	} {
		_, err := Repair(t.Context(), Options{URL: c.url, KeyFile: d.key})
		wants(t, c.what, err, c.kind)
	}
}

// A file under repair is neither opened nor created anew.
func TestNothingIsOpenedDuringARepair(t *testing.T) {
	d := newSQLite(t)
	d.remembered(t, func(*Options) {})
	lock, err := lockAlone(d.file(t))
	must(t, err)
	_, err = Open(t.Context(), d.options())
	wants(t, "opened", err, ErrLocked)
	copied, err := syscall.Dup(int(lock.file.Fd())) // as a process has it that is just being started
	must(t, err)
	defer syscall.Close(copied)
	must(t, lock.Close())
	d.open(t)
}

// Accounts of a rebuilt store do not expire as if unused: their last uses are not
// remembered.
func TestRepairedAccountsDoNotExpireAtOnce(t *testing.T) {
	d := newSQLite(t)
	c := newClocks()
	state := remembering(t)
	s, err := Open(t.Context(), d.with(c.of, state))
	must(t, err)
	mustRegister(t, withPools(t, s), "btc.example:3333", "old", "")
	c.pass(2 * month)
	mustRegister(t, s, "btc.example:3333", "new", "")
	must(t, s.Close())
	damage(t, d.file(t))
	_, err = Repair(t.Context(), d.with(c.of, state))
	must(t, err)
	s = d.open(t, c.of, state)
	if gone := c.watched(t, s, month-time.Hour); len(gone) > 0 {
		t.Errorf("expired %v", gone)
	}
}

// A driver's message becomes a kind, and a sentence with what to do.
func TestTroublesAreToldApart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.db")
	open := func() *sql.DB {
		db, err := sql.Open("sqlite", file)
		must(t, err)
		t.Cleanup(func() { db.Close() })
		return db
	}
	one, two := open(), open()
	_, err := one.Exec("CREATE TABLE t (x); BEGIN EXCLUSIVE")
	must(t, err)
	_, err = two.Exec("INSERT INTO t VALUES (1)")
	d := &database{file: file}
	told := d.trouble("it does not work", err)
	wants(t, "locked", told, ErrLocked)
	wants(t, "locked", told, ErrUnavailable)
	if !strings.Contains(told.Error(), "fuser "+file) || !lost(told) {
		t.Errorf("%v", told)
	}
	_, err = one.Exec("ROLLBACK; PRAGMA query_only = 1; INSERT INTO t VALUES (1)")
	wants(t, "not writable", d.trouble("it does not work", err), ErrReadOnly)
}
