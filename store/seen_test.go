package store

import (
	"slices"
	"testing"
	"time"
)

func TestTouch(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s, err := Open(t.Context(), d.options())
		must(t, err)
		withPools(t, s)
		one, two := mustRegister(t, s, "btc.example:3333", "one", ""), mustRegister(t, s, "btc.example:3333", "two", "")
		start := time.UnixMilli(1_700_000_000_000)
		version := s.Snapshot().Version()
		s.Touch([]string{one, "nobody"}, start)
		s.Touch([]string{one, two}, start.Add(time.Minute))
		s.Touch([]string{one}, start) // late news
		if len(s.touched.at) != 2 {
			t.Errorf("%d accounts wait to be written, want 2", len(s.touched.at))
		}
		must(t, s.Close()) // writes
		s = d.open(t)
		for _, name := range []string{one, two} {
			if a, err := s.Account(t.Context(), name); err != nil || !a.LastSeen.Equal(start.Add(time.Minute)) {
				t.Errorf("last seen %v, %v", a.LastSeen, err)
			}
		}
		if s.Snapshot().Version() != version {
			t.Error("a touch made a new version")
		}
		s.Touch([]string{one}, start) // older than what another box has written
		must(t, s.flush(t.Context()))
		if a, err := s.Account(t.Context(), one); err != nil || !a.LastSeen.Equal(start.Add(time.Minute)) {
			t.Errorf("went back to %v, %v", a.LastSeen, err)
		}
	})
}

func TestExpire(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		const month = 30 * 24 * time.Hour
		now := time.UnixMilli(1_700_000_000_000)
		clock := func(o *Options) { o.Now = func() time.Time { return now } }
		s, other := withPools(t, d.open(t, clock)), d.open(t, clock)
		names := make(map[string]string)
		register := func(user string) { names[user] = mustRegister(t, s, "btc.example:3333", user, "") }
		for _, user := range []string{"never seen", "seen long ago", "seen lately", "seen by another box", "seen just now", "connected"} {
			register(user)
		}
		touch := func(s *Store, user string) {
			s.Touch([]string{names[user]}, now)
			must(t, s.flush(t.Context()))
		}
		touch(s, "seen long ago")
		now = now.Add(month)
		register("new")
		touch(s, "seen lately")
		await(t, other, "all are known", func(s *Snapshot) bool { return s.NumAccounts() == 7 })
		touch(other, "seen by another box")
		now = now.Add(month - time.Hour)
		s.Touch([]string{names["seen just now"]}, now) // not written yet

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

// An account that another box sees while this one makes up its mind stays.
func TestExpireAsksAgainBeforeItDeletes(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		now := time.UnixMilli(1_700_000_000_000)
		clock := func(o *Options) { o.Now = func() time.Time { return now } }
		s, other := withPools(t, d.open(t, clock)), d.open(t, clock)
		name := mustRegister(t, s, "btc.example:3333", "farm", "")
		await(t, other, "known", func(s *Snapshot) bool { return s.Account(name) != nil })
		now = now.Add(2 * MinExpire)
		asked := 0
		expired, err := s.Expire(t.Context(), MinExpire, func(string) bool {
			if asked++; asked == 1 {
				other.Touch([]string{name}, now)
				must(t, other.flush(t.Context()))
			}
			return false
		})
		if err != nil || len(expired) != 0 || s.Snapshot().Account(name) == nil || asked < 2 {
			t.Errorf("expired %v, %v, asked %d times", expired, err, asked)
		}
	})
}
