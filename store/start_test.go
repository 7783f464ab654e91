package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// log is a store's log, line by line.
type log struct {
	sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.Lock()
	defer l.Unlock()
	return l.text.String()
}

// remembering makes a store save its content.
func remembering(t *testing.T) func(*Options) {
	file := filepath.Join(t.TempDir(), "accounts.json")
	return func(o *Options) { o.StateFile = file }
}

// start is Start, for a store that is closed with the test.
func (d *testDatabase) start(t *testing.T, change ...func(*Options)) (*Store, *log) {
	t.Helper()
	said := new(log)
	options := d.with(change...)
	options.Log = slog.New(slog.NewTextHandler(said, nil))
	s, err := Start(options)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
	})
	return s, said
}

// remembered creates a store with one account, remembers it, and closes it.
func (d *testDatabase) remembered(t *testing.T, state func(*Options)) (account string) {
	t.Helper()
	s, err := Open(t.Context(), d.with(state))
	must(t, err)
	account = mustRegister(t, withPools(t, s), "btc.example:3333", "farm", "hunter2")
	must(t, s.Close())
	return account
}

// rename moves a file or directory until mend is called.
func rename(t *testing.T, path string) (mend func()) {
	t.Helper()
	must(t, os.Rename(path, path+".away"))
	return func() {
		if os.Rename(path+".away", path) != nil { // at once, if what is there now can be replaced
			must(t, os.RemoveAll(path))
			must(t, os.Rename(path+".away", path))
		}
	}
}

// replace replaces a file's content until mend is called.
func replace(t *testing.T, path, content string) (mend func()) {
	t.Helper()
	back := rename(t, path)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return back
}

func (d *testDatabase) file(t *testing.T) string { return mustPlace(t, d.url).file }

// Whatever is wrong with the database when farmproxy starts, the remembered accounts
// are served, the log says why and what to do, nothing is destroyed, and the database's
// accounts take over once it is fixed.
func TestStartWithoutTheDatabase(t *testing.T) {
	for _, c := range []struct {
		what    string
		kind    error
		told    string // in the log
		recalls bool   // the remembered accounts can be read
		only    string // sqlite or postgres
		harm    func(t *testing.T, d *testDatabase) (mend func())
	}{
		{"damaged", ErrDamaged, "farmproxy store repair", true, "sqlite", func(t *testing.T, d *testDatabase) func() {
			return replace(t, d.file(t), strings.Repeat("this is no database\n", 500))
		}},
		{"no directory", ErrGone, "mount or restore it", true, "sqlite", func(t *testing.T, d *testDatabase) func() {
			return rename(t, filepath.Dir(d.file(t)))
		}},
		{"no file", ErrGone, "farmproxy store repair", true, "sqlite", func(t *testing.T, d *testDatabase) func() {
			return rename(t, d.file(t))
		}},
		{"an empty file", ErrGone, "1 accounts are remembered", true, "sqlite", func(t *testing.T, d *testDatabase) func() {
			return replace(t, d.file(t), "")
		}},
		{"a directory in its place", ErrUnavailable, "farm.db", true, "sqlite", func(t *testing.T, d *testDatabase) func() {
			back := rename(t, d.file(t))
			must(t, os.Mkdir(d.file(t), 0o700))
			return back
		}},
		{"nobody listens", ErrUnavailable, "connection refused", true, "postgres", func(t *testing.T, d *testDatabase) func() {
			return func() {} // see below
		}},
		{"an empty database", ErrGone, "1 accounts are remembered", true, "postgres", func(t *testing.T, d *testDatabase) func() {
			d.exec(t, "UPDATE meta SET name = 'elsewhere' WHERE name = 'key_check'")
			return func() { d.exec(t, "UPDATE meta SET name = 'key_check' WHERE name = 'elsewhere'") }
		}},
		{"a newer schema", ErrSchema, "run that version, or restore", true, "", func(t *testing.T, d *testDatabase) func() {
			d.exec(t, "INSERT INTO migrations (number, name) VALUES (9999, 'from the future')")
			return func() { d.exec(t, "DELETE FROM migrations WHERE number = 9999") }
		}},
		{"no key", ErrKeyMissing, "restore it from a backup", false, "", func(t *testing.T, d *testDatabase) func() {
			return rename(t, d.key)
		}},
		{"another key", ErrWrongKey, "restore that one from a backup", false, "", func(t *testing.T, d *testDatabase) func() {
			return replace(t, d.key, strings.Repeat("ab", keySize))
		}},
		{"a damaged key", ErrBadKey, "expected 64 hex digits", false, "", func(t *testing.T, d *testDatabase) func() {
			return replace(t, d.key, "nonsense")
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, d *testDatabase) {
				if c.only != "" && (c.only == "postgres") != d.postgres {
					t.Skip("not of this database")
				}
				var line *wire
				if c.only == "postgres" {
					d, line = d.throughWire(t)
				}
				d.key = filepath.Join(t.TempDir(), "key") // not in the directory that goes away
				state := remembering(t)
				account := d.remembered(t, state)
				mend := c.harm(t, d)
				if c.what == "nobody listens" {
					mend = line.unplug(t)
				}

				s, said := d.start(t, state)
				var away *Unavailable
				if err := s.Healthy(); !errors.As(err, &away) || !errors.Is(err, c.kind) || !away.Unopened {
					t.Fatalf("healthy: %v; want %v", err, c.kind)
				}
				if !strings.Contains(said.String(), "the store's database is unavailable") || !strings.Contains(said.String(), c.told) {
					t.Errorf("the log does not say %q:\n%s", c.told, said)
				}
				for _, text := range []string{said.String(), away.Error(), away.Public()} {
					if strings.Contains(text, "hunter2") {
						t.Errorf("shows a password: %s", text)
					}
				}
				a := s.Snapshot().Account(account)
				if (a != nil) != c.recalls || c.recalls && (a.User != "farm" || a.Password.Reveal() != "hunter2" || s.Snapshot().Pool(a.Pool) == nil || s.Snapshot().Algorithm("scrypt").Divider != 65536 || !s.Snapshot().Recalled()) {
					t.Errorf("recalled %+v", a)
				}
				if part := map[bool]string{true: "the 1 accounts remembered at", false: "no account is known"}[c.recalls]; !strings.Contains(away.Public(), part) {
					t.Errorf("it says %q, want %q", away.Public(), part)
				}
				_, _, err := s.Register(t.Context(), "btc.example:3333", "late", "x", nil)
				wants(t, "registered meanwhile", err, ErrUnavailable)
				wants(t, "listed meanwhile", second(s.Accounts(t.Context(), Filter{})), ErrUnavailable)
				_, err = s.Expire(t.Context(), month, nil)
				wants(t, "expired meanwhile", err, ErrUnavailable)
				s.Touch([]string{account})

				if c.what == "an empty file" {
					if list, err := filepath.Glob(d.file(t) + "-*"); err != nil || len(list) > 0 || !blank(d.file(t)) {
						t.Errorf("something was written: %q, %v", list, err)
					}
				}
				mend()
				awaitHealth(t, s, true)
				if a := s.Snapshot().Account(account); a == nil || a.Password.Reveal() != "hunter2" || s.Snapshot().Recalled() {
					t.Errorf("when it is back: %+v, recalled %v", a, s.Snapshot().Recalled())
				}
				mustRegister(t, s, "btc.example:3333", "late", "x")
				if c.recalls {
					must(t, s.flush(t.Context()))
					if a, err := s.Account(t.Context(), account); err != nil || a.LastSeen.IsZero() {
						t.Errorf("what was seen meanwhile is lost: %v, %v", a.LastSeen, err)
					}
				}
			})
		})
	}
}

func second[T any](_ T, err error) error { return err }

// Time does not fix a caller's mistake.
func TestStartRefusesABadURL(t *testing.T) {
	for _, url := range []string{"", "mysql://user@host/db", "sqlite://", "postgres://user:hunter2@host:port/db"} {
		_, err := Start(Options{URL: url, KeyFile: "key"})
		wants(t, url, err, ErrBadValue)
	}
}

// Nobody waits for a database that does not answer at all.
func TestStartDoesNotWaitForAMuteDatabase(t *testing.T) {
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer mute.Close()
	d := &testDatabase{url: "postgres://farm@" + mute.Addr().String() + "/farm?sslmode=disable", key: filepath.Join(t.TempDir(), "key"), postgres: true}
	s, said := d.start(t)
	if err := s.Healthy(); !errors.Is(err, ErrUnavailable) || s.opened.Load() {
		t.Errorf("healthy: %v", err)
	}
	if !strings.Contains(said.String(), "it has not answered yet") {
		t.Errorf("the log: %s", said)
	}
}

// The state file is private, sealed and complete, and states its version.
func TestMemoryFile(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		state := remembering(t)
		d.remembered(t, state)
		file := d.with(state).StateFile
		info, err := os.Stat(file)
		must(t, err)
		text, err := os.ReadFile(file)
		must(t, err)
		if info.Mode().Perm() != 0o600 || !strings.HasPrefix(string(text), `{"version":1,`) || strings.Contains(string(text), "hunter2") {
			t.Errorf("mode %v:\n%s", info.Mode(), text)
		}
		others, err := filepath.Glob(file + "?*")
		if must(t, err); len(others) > 0 {
			t.Errorf("left beside it: %v", others)
		}
	})
}

// The state file follows the accounts, on its own goroutine.
func TestMemoryFollows(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	state := remembering(t)
	s := withPools(t, d.open(t, state))
	name := mustRegister(t, s, "btc.example:3333", "farm", "x")
	holds := func(part string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(s.options.StateFile)
			return strings.Contains(string(text), part)
		}
	}
	eventually(t, "remembered", holds(name))
	must(t, s.DeleteAccount(t.Context(), name))
	eventually(t, "forgotten", func() bool { return !holds(name)() && holds(`"accounts":0`)() })
}

// An unreadable state file is reported, and not taken for the truth.
func TestMemoryThatCantBeRead(t *testing.T) {
	for _, c := range []struct {
		what, old, new string
		told           string
		guards         bool // it is known that there were accounts
	}{
		{"a newer version", `"version":1`, `"version":2`, "run the newer farmproxy", false},
		{"no version", `"version":1`, `"version":0`, "it has version 0", false},
		{"not JSON", `{"version"`, `version`, "the first line", false},
		{"another store's", "farm.db", "other.db", "", false},
		{"cut off", `{"account"`, ``, "cannot be read", true},
		{"a damaged password", `"password":"`, `"password":"00`, "the remembered password of an account cannot be read", true},
		{"a pool without a port", `{"pool":"btc.example:3333"`, `{"pool":"btc.example"`, "expected host:port", true},
		{"sealed with another key", `"key_check":"`, `"key_check":"00`, "key file", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			d := newSQLite(t)
			state := remembering(t)
			account := d.remembered(t, state)
			file := d.with(state).StateFile
			text, err := os.ReadFile(file)
			must(t, err)
			harmed := strings.Replace(string(text), c.old, c.new, 1)
			if c.what == "cut off" {
				harmed, _, _ = strings.Cut(string(text), c.old)
			}
			if harmed == string(text) {
				t.Fatal("nothing was harmed")
			}
			must(t, os.WriteFile(file, []byte(harmed), 0o600))
			must(t, os.Remove(d.file(t)))
			s, said := d.start(t, state)
			if s.Snapshot().Account(account) != nil || !strings.Contains(said.String(), c.told) {
				t.Errorf("recalled %v; the log:\n%s", s.Snapshot().Account(account), said)
			}
			if c.guards {
				wants(t, "healthy", s.Healthy(), ErrGone)
			} else {
				must(t, s.Healthy()) // nothing contradicts that it is new
			}
		})
	}
}

// A state file written by a newer farmproxy stays as it is, whatever happens to the
// accounts meanwhile: that version may be back tomorrow.
func TestMemoryOfANewerFarmproxyIsLeftAlone(t *testing.T) {
	for version, kept := range map[string]bool{`"version":2`: true, `"version":0`: false} {
		d := newSQLite(t)
		state := remembering(t)
		account := d.remembered(t, state)
		file := d.with(state).StateFile
		text, err := os.ReadFile(file)
		must(t, err)
		text = []byte(strings.Replace(string(text), `"version":1`, version, 1))
		must(t, os.WriteFile(file, text, 0o600))
		t.Run("until it is closed", func(t *testing.T) {
			s, _ := d.start(t, state)
			must(t, s.DeleteAccount(t.Context(), account))
		})
		if after, _ := os.ReadFile(file); (string(after) == string(text)) != kept {
			t.Errorf("%s: left alone %v, want %v:\n%s", version, !kept, kept, after)
		}
	}
}

// If accounts are remembered no new key is created: the old one is needed.
func TestStartMakesNoKeyForAStoreThatIsGone(t *testing.T) {
	d := newSQLite(t)
	state := remembering(t)
	d.remembered(t, state)
	must(t, os.Remove(d.key))
	must(t, os.Remove(d.file(t)))
	s, _ := d.start(t, state)
	wants(t, "healthy", s.Healthy(), ErrGone)
	if exists(d.key) || exists(d.file(t)) {
		t.Error("a key or a store was made")
	}
}

// A store that accepts no changes is unhealthy, although it can be read; it recovers
// when it accepts them again.
func TestFullDisk(t *testing.T) {
	d := newSQLite(t)
	s := withPools(t, d.open(t, func(o *Options) { o.Poll = time.Hour })) // it is polled below
	name := mustRegister(t, s, "btc.example:3333", "farm", "x")
	s.db.SetMaxOpenConns(1) // the limit applies to a connection
	var pages int
	must(t, s.db.QueryRow("PRAGMA page_count").Scan(&pages))
	limit := func(pages int) {
		if _, err := s.db.Exec(fmt.Sprint("PRAGMA max_page_count = ", pages)); err != nil {
			t.Error(err)
		}
	}
	limit(pages)
	var err error
	for i := 0; err == nil && i < 100; i++ {
		_, _, err = s.Register(t.Context(), "btc.example:3333", fmt.Sprint(i, strings.Repeat("u", 200)), "x", nil)
	}
	wants(t, "registered on a full disk", err, ErrDiskFull)
	wants(t, "healthy", s.Healthy(), ErrDiskFull)
	var away *Unavailable
	if errors.As(s.Healthy(), &away); away.Unopened || !strings.Contains(away.Public(), "(disk full): known accounts keep working") {
		t.Errorf("it says %q", away.Public())
	}
	if s.Snapshot().Account(name) == nil {
		t.Error("the account is not served any more")
	}
	limit(pages + 6) // room for half of the trial, and no more
	if s.poll(t.Context()); s.Healthy() == nil {
		t.Error("well again with room for a few pages")
	}
	limit(1 << 20)
	s.poll(t.Context())
	must(t, s.Healthy())
	mustRegister(t, s, "btc.example:3333", "more", "x")
}

// A readable database is not healthy while it accepts no changes.
func TestReadsDoNotMendWrites(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t, func(o *Options) { o.Poll = time.Hour }))
		trouble := failf(ErrDiskFull, "no room")
		s.wrote(trouble)
		d.exec(t, "ALTER TABLE meta RENAME TO elsewhere") // so that the attempt to write fails
		if s.poll(t.Context()); s.Healthy() == nil {
			t.Error("a read has made it well")
		}
		s.wrote(failf(ErrExists, "there already"))
		if s.Healthy() == nil {
			t.Error("a caller's mistake has made it well")
		}
		d.exec(t, "ALTER TABLE elsewhere RENAME TO meta")
		if s.poll(t.Context()); s.Healthy() != nil {
			t.Errorf("a trial has not made it well: %v", s.Healthy())
		}
		wants(t, "a caller's mistake", s.DeleteAccount(t.Context(), "nobody"), ErrUnknownAccount)
		if s.Healthy() != nil {
			t.Errorf("a caller's mistake has made it ill: %v", s.Healthy())
		}
		s.wrote(trouble)
		mustRegister(t, s, "btc.example:3333", "farm", "x")
		if s.Healthy() != nil {
			t.Errorf("a write has not made it well: %v", s.Healthy())
		}
	})
}

// A caller that gives up says nothing about the database.
func TestCallersThatGiveUpAreNoTrouble(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t, func(o *Options) { o.Poll = time.Hour }))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wants(t, "deleted", s.DeleteAccount(ctx, "x"), ErrUnavailable)
		must(t, s.Healthy())
	})
}

// An outage is logged once, not with each attempt.
func TestOutagesAreToldOnce(t *testing.T) {
	c := newClocks()
	d := newSQLite(t)
	said := new(log)
	s := d.open(t, c.of, func(o *Options) { o.Poll = time.Hour; o.Log = slog.New(slog.NewTextHandler(said, nil)) })
	told := func(want int) {
		t.Helper()
		if n := strings.Count(said.String(), "is unavailable"); n != want {
			t.Errorf("told %d times, want %d:\n%s", n, want, said)
		}
	}
	s.away(failf(ErrUnavailable, "port 1"), false)
	s.away(failf(ErrUnavailable, "port 2"), false)
	told(1)
	s.away(failf(ErrDiskFull, "full"), false)
	told(2)
	c.pass(time.Minute)
	s.away(failf(ErrDiskFull, "full"), false)
	told(2)
	s.away(failf(ErrDiskFull, "full, another"), false)
	told(3)
	s.back()
	s.back()
	if n := strings.Count(said.String(), "is available again"); n != 1 {
		t.Errorf("back %d times", n)
	}
}
