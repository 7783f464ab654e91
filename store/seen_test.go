package store

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const month = 30 * 24 * time.Hour

// clocks are a machine's clock and the database's, set by a test.
type clocks struct {
	sync.Mutex
	box, database time.Time
}

func newClocks() *clocks {
	now := time.UnixMilli(1_700_000_000_000)
	return &clocks{box: now, database: now}
}

// of makes a store use the clocks.
func (c *clocks) of(o *Options) {
	read := func(t *time.Time) func() time.Time {
		return func() time.Time { c.Lock(); defer c.Unlock(); return *t }
	}
	o.Now, o.databaseNow = read(&c.box), read(&c.database)
}

// pass lets time pass on both.
func (c *clocks) pass(d time.Duration) { c.step(d, d) }

func (c *clocks) step(box, database time.Duration) {
	c.Lock()
	defer c.Unlock()
	c.box, c.database = c.box.Add(box), c.database.Add(database)
}

// watched lets time pass while unused accounts are looked for, as often as Expire
// requires. Only those in touch are in use.
func (c *clocks) watched(t *testing.T, s *Store, d time.Duration, touch ...string) (expired []string) {
	t.Helper()
	for range 8 {
		c.pass(d / 8)
		s.Touch(touch)
		gone, err := s.Expire(t.Context(), month, nil)
		must(t, err)
		expired = append(expired, gone...)
	}
	return expired
}

// A sign of life is written with the database's clock, however wrong the machine's is.
func TestTouch(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		c := newClocks()
		c.step(40*24*time.Hour, 0)
		start := c.database
		s, err := Open(t.Context(), d.with(c.of))
		must(t, err)
		withPools(t, s)
		one, two := mustRegister(t, s, "btc.example:3333", "one", ""), mustRegister(t, s, "btc.example:3333", "two", "")
		version := s.Snapshot().Version()
		s.Touch([]string{one, "nobody"})
		c.pass(time.Minute)
		s.Touch([]string{one, two})
		if len(s.touched.at) != 2 {
			t.Errorf("%d accounts wait to be written, want 2", len(s.touched.at))
		}
		if a, err := s.Account(t.Context(), two); err != nil || a.LastSeen.IsZero() {
			t.Errorf("not yet written, it is shown as seen %v, %v", a.LastSeen, err)
		}
		c.pass(time.Hour)
		must(t, s.Close()) // writes
		s = d.open(t, c.of)
		seen := func(name string) time.Time {
			t.Helper()
			a, err := s.Account(t.Context(), name)
			must(t, err)
			return a.LastSeen
		}
		for _, name := range []string{one, two} {
			if at := seen(name); !at.Equal(start.Add(time.Minute)) {
				t.Errorf("last seen %v, want a minute after %v", at, start)
			}
		}
		if s.Snapshot().Version() != version {
			t.Error("a touch made a new version")
		}
		c.step(0, -2*time.Hour) // older than what another machine has written
		s.Touch([]string{one})
		must(t, s.flush(t.Context()))
		if at := seen(one); !at.Equal(start.Add(time.Minute)) {
			t.Errorf("went back to %v", at)
		}
		if page, err := s.Accounts(t.Context(), Filter{}); err != nil || page.Total != 2 || page.Items[0].LastSeen.IsZero() {
			t.Errorf("the list: %+v, %v", page, err)
		}
	})
}

func TestExpire(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		c := newClocks()
		s, other := withPools(t, d.open(t, c.of)), d.open(t, c.of)
		names := make(map[string]string)
		register := func(user string) { names[user] = mustRegister(t, s, "btc.example:3333", user, "") }
		for _, user := range []string{"never seen", "seen long ago", "seen lately", "seen by another box", "seen just now", "connected"} {
			register(user)
		}
		touch := func(s *Store, user string) {
			s.Touch([]string{names[user]})
			must(t, s.flush(t.Context()))
		}
		touch(s, "seen long ago")
		if gone := c.watched(t, s, month-time.Hour); len(gone) > 0 {
			t.Fatalf("expired before the time: %v of %v", gone, names)
		}
		register("new")
		touch(s, "seen lately")
		await(t, other, "all are known", func(s *Snapshot) bool { return s.NumAccounts() == 7 })
		touch(other, "seen by another box")
		c.pass(2 * time.Hour)
		s.Touch([]string{names["seen just now"]}) // not written yet

		expired, err := s.Expire(t.Context(), month, func(name string) bool { return name == names["connected"] })
		want := []string{names["never seen"], names["seen long ago"]}
		slices.Sort(want)
		if err != nil || !slices.Equal(expired, want) {
			t.Errorf("expired %v, %v; want %v of %v", expired, err, want, names)
		}
		if s.Snapshot().NumAccounts() != 5 || s.Snapshot().Account(names["never seen"]) != nil {
			t.Error("the snapshot has other accounts")
		}
		await(t, other, "expired", func(s *Snapshot) bool { return s.NumAccounts() == 5 })
		if expired, err := s.Expire(t.Context(), month, nil); err != nil || !slices.Equal(expired, []string{names["connected"]}) {
			t.Errorf("without exceptions: %v, %v", expired, err)
		}
		if expired, err := s.Expire(t.Context(), month, nil); err != nil || len(expired) != 0 {
			t.Errorf("once more: %v, %v", expired, err)
		}
		_, err = s.Expire(t.Context(), time.Minute, nil)
		wants(t, "after a minute", err, ErrBadValue)
	})
}

// Registering an account again, unchanged or with another password, keeps it, on any
// machine, even before it is written.
func TestAnotherRegistrationIsAUse(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		c := newClocks()
		s, other := withPools(t, d.open(t, c.of)), d.open(t, c.of)
		const pool = "btc.example:3333"
		names := make(map[string]string)
		for _, user := range []string{"once", "again", "another password", "at another box", "not written"} {
			names[user] = mustRegister(t, s, pool, user, "x")
		}
		c.watched(t, s, month-time.Hour)
		mustRegister(t, s, pool, "again", "x")
		mustRegister(t, s, pool, "another password", "y")
		mustRegister(t, other, pool, "at another box", "x")
		must(t, errors.Join(s.flush(t.Context()), other.flush(t.Context())))
		c.pass(2 * time.Hour)
		mustRegister(t, s, pool, "not written", "x")
		expired := func(got []string, want ...string) {
			t.Helper()
			for i := range want {
				want[i] = names[want[i]]
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("expired %v, want %v of %v", got, want, names)
			}
		}
		gone, err := s.Expire(t.Context(), month, nil)
		must(t, err)
		expired(gone, "once")
		a, err := s.Account(t.Context(), names["again"])
		if must(t, err); !a.LastSeen.IsZero() {
			t.Errorf("a registration is no miner: last seen %v", a.LastSeen)
		}
		expired(c.watched(t, s, month), "again", "another password", "at another box")
		expired(c.watched(t, s, 8*time.Hour), "not written")
	})
}

// A machine whose clock is 40 days ahead deletes nothing that another has seen in this
// second: all use the database's clock.
func TestExpireGoesByTheDatabasesClock(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		right := newClocks()
		wrong := newClocks()
		wrong.step(40*24*time.Hour, 0)
		s, other := withPools(t, d.open(t, right.of)), d.open(t, wrong.of)
		name := mustRegister(t, s, "btc.example:3333", "farm", "")
		await(t, other, "known", func(s *Snapshot) bool { return s.Account(name) != nil })
		for range 9 {
			right.pass(month / 8)
			wrong.pass(month / 8)
			s.Touch([]string{name})
			must(t, s.flush(t.Context()))
			if gone, err := other.Expire(t.Context(), month, nil); err != nil || len(gone) > 0 {
				t.Fatalf("expired %v, %v", gone, err)
			}
		}
		late := mustRegister(t, other, "btc.example:3333", "late", "")
		if a, err := s.Account(t.Context(), late); err != nil || !a.Created.Equal(right.database) {
			t.Errorf("made at %v by a box that is ahead, want %v, %v", a.Created, right.database, err)
		}
	})
}

// PostgreSQL provides the time.
func TestPostgresHasAClock(t *testing.T) {
	d := newPostgres(t)
	ahead := 40 * 24 * time.Hour
	s := withPools(t, d.open(t, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(ahead) } }))
	name := mustRegister(t, s, "btc.example:3333", "farm", "")
	s.Touch([]string{name})
	must(t, s.flush(t.Context()))
	limit := time.Now().Add(ahead / 2)
	if a, err := s.Account(t.Context(), name); err != nil || a.LastSeen.IsZero() || a.LastSeen.After(limit) || a.Created.After(limit) {
		t.Errorf("made %v, seen %v, %v: by the clock of the box", a.Created, a.LastSeen, err)
	}
}

// A SQLite file's only clock is the machine's. After a jump, or a time when it was off,
// nothing is deleted until accounts have been watched for long enough.
func TestExpireRefusesAfterAJump(t *testing.T) {
	for _, jump := range []struct {
		what    string
		restart bool
		step    time.Duration // of the wall clock
		passed  time.Duration // on the monotonic one
	}{
		{"forward", false, 40 * 24 * time.Hour, 0},
		{"forward by an hour", false, time.Hour, 0},
		{"back", false, -40 * 24 * time.Hour, 0},
		{"forward while it was off", true, 40 * 24 * time.Hour, 40 * 24 * time.Hour},
		{"back while it was off", true, -40 * 24 * time.Hour, 0},
		{"it was off for as long", true, month + time.Hour, month + time.Hour},
	} {
		t.Run(jump.what, func(t *testing.T) {
			d := newSQLite(t)
			c := newClocks()
			s, err := Open(t.Context(), d.with(c.of))
			must(t, err)
			withPools(t, s)
			used, unused := mustRegister(t, s, "btc.example:3333", "used", ""), mustRegister(t, s, "btc.example:3333", "unused", "")
			c.watched(t, s, month-time.Hour, used)
			c.step(jump.passed, jump.step)
			if jump.restart {
				must(t, s.Close())
				s, err = Open(t.Context(), d.with(c.of))
				must(t, err)
			}
			gone, err := s.Expire(t.Context(), month, nil)
			wants(t, "the first time", err, ErrUnwatched)
			if len(gone) > 0 || !strings.Contains(err.Error(), "unused accounts are deleted from") {
				t.Errorf("expired %v, %v", gone, err)
			}
			if gone, err := s.Expire(t.Context(), month, nil); err != nil || len(gone) > 0 {
				t.Errorf("once more: %v, %v", gone, err)
			}
			if gone := c.watched(t, s, month-time.Hour, used); len(gone) > 0 {
				t.Errorf("expired %v before it was watched for a month", gone)
			}
			c.pass(2 * time.Hour)
			s.Touch([]string{used})
			if gone, err := s.Expire(t.Context(), month, nil); jump.step > 0 && (err != nil || !slices.Equal(gone, []string{unused})) {
				t.Errorf("after a month: %v, %v; want %s, which nobody used", gone, err, unused)
			}
			must(t, s.Close())
		})
	}
}

// A restart is not a gap.
func TestExpireOutlastsARestart(t *testing.T) {
	d := newSQLite(t)
	c := newClocks()
	s, err := Open(t.Context(), d.with(c.of))
	must(t, err)
	name := mustRegister(t, withPools(t, s), "btc.example:3333", "farm", "")
	c.watched(t, s, month)
	must(t, s.Close())
	c.pass(month / 6)
	gone, err := d.open(t, c.of).Expire(t.Context(), month, nil)
	if err != nil || !slices.Equal(gone, []string{name}) {
		t.Errorf("expired %v, %v; want %s", gone, err, name)
	}
}

// An account that this machine sees, or registers again, in the meantime stays too,
// even before that is written.
func TestExpireKeepsWhatIsUsedMeanwhile(t *testing.T) {
	for what, use := range map[string]func(s *Store, name string){
		"seen":             func(s *Store, name string) { s.Touch([]string{name}) },
		"registered again": (*Store).registeredAgain,
		"nothing":          func(*Store, string) {},
	} {
		d := newSQLite(t)
		c := newClocks()
		s := withPools(t, d.open(t, c.of))
		name := mustRegister(t, s, "btc.example:3333", "farm", "")
		c.watched(t, s, month-time.Hour)
		c.pass(2 * time.Hour)
		gone, err := s.Expire(t.Context(), month, func(string) bool { use(s, name); return false })
		if err != nil || (len(gone) == 0) != (what != "nothing") {
			t.Errorf("%s: expired %v, %v", what, gone, err)
		}
	}
}

// An account that another machine sees while this one is deciding stays.
func TestExpireAsksAgainBeforeItDeletes(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		c := newClocks()
		s, other := withPools(t, d.open(t, c.of)), d.open(t, c.of)
		name := mustRegister(t, s, "btc.example:3333", "farm", "")
		await(t, other, "known", func(s *Snapshot) bool { return s.Account(name) != nil })
		c.watched(t, s, month-time.Hour)
		c.pass(2 * time.Hour)
		asked := 0
		expired, err := s.Expire(t.Context(), month, func(string) bool {
			if asked++; asked == 1 {
				other.Touch([]string{name})
				must(t, other.flush(t.Context()))
			}
			return false
		})
		if err != nil || len(expired) != 0 || s.Snapshot().Account(name) == nil || asked < 2 {
			t.Errorf("expired %v, %v, asked %d times", expired, err, asked)
		}
	})
}
