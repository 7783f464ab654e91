package store

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// shown is an account's goals in one line: name weight: pool user password, ...; ...
func shown(a *Account) string {
	if a == nil {
		return "no account"
	}
	var goals []string
	for _, g := range a.Goals {
		var pools []string
		for _, p := range g.Pools {
			at := a.At(p)
			pools = append(pools, at.Pool+" "+at.User+" "+at.Password.Reveal())
		}
		goals = append(goals, g.Name+" "+fmt.Sprint(g.Weight)+": "+strings.Join(pools, ", "))
	}
	return strings.Join(goals, "; ")
}

// two are goals at two pools: with the account's own credentials, and with others.
func two() []Goal {
	return []Goal{
		{"main", 70, []GoalPool{{Pool: "BTC.example:3333"}, {"btc2.example:3333", "backup", NewSecret("b")}}},
		{"second", 30, []GoalPool{{"btc2.example:3333", "other", NewSecret("o")}}},
	}
}

const twoShown = "main 70: btc.example:3333 farm x, btc2.example:3333 backup b; second 30: btc2.example:3333 other o"

// withTwoPools is a store with two pools of one algorithm and one of another, and an
// account.
func withTwoPools(t *testing.T, d *testDatabase) (s *Store, name string) {
	s = withPools(t, d.open(t))
	must(t, s.AddPool(t.Context(), Pool{Address: "btc2.example:3333", Algorithm: "sha256d"}))
	return s, mustRegister(t, s, "btc.example:3333", "farm", "x")
}

// Goals are in the snapshots of every machine, and remembered for a start without the
// database.
func TestGoals(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s, name := withTwoPools(t, d)
		other := d.open(t)
		f := func(what string, goals []Goal, want string) {
			t.Helper()
			must(t, s.SetGoals(t.Context(), name, goals, nil))
			if got := shown(s.Snapshot().Account(name)); got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
			}
			must(t, other.refresh(t.Context()))
			if got := shown(other.Snapshot().Account(name)); got != want {
				t.Errorf("%s, on another machine:\ngot  %s\nwant %s", what, got, want)
			}
			if got := shown(d.open(t).Snapshot().Account(name)); got != want {
				t.Errorf("%s, after a start:\ngot  %s\nwant %s", what, got, want)
			}
		}
		f("two", two(), twoShown)
		f("another order", []Goal{two()[1], two()[0]}, "second 30: btc2.example:3333 other o; main 70: btc.example:3333 farm x, btc2.example:3333 backup b")
		f("other weights", []Goal{{"main", 0, two()[0].Pools[:1]}, {"second", 0.5, two()[1].Pools}}, "main 0: btc.example:3333 farm x; second 0.5: btc2.example:3333 other o")
		f("none", nil, "")
		f("two again", two(), twoShown)
		again := two()
		again[0].Pools[1].Password, again[1].Pools[0].Password = Secret{}, Secret{}
		f("passwords left out", again, twoShown)
		again[1].Pools = []GoalPool{{Pool: "btc.example:3333", User: "farm"}, {Pool: "btc.example:3333", User: "stranger"}}
		f("those of others left out", again, "main 70: btc.example:3333 farm x, btc2.example:3333 backup b; second 30: btc.example:3333 farm x, btc.example:3333 stranger ")
		f("two once more", two(), twoShown)
		mustRegister(t, s, "btc.example:3333", "farm", "new")
		if got, want := shown(s.Snapshot().Account(name)), strings.Replace(twoShown, "farm x", "farm new", 1); got != want {
			t.Errorf("with another password of the account: %s, want %s", got, want)
		}
		must(t, s.DeleteAccount(t.Context(), name))
		if again := mustRegister(t, s, "btc.example:3333", "farm", "x"); shown(s.Snapshot().Account(again)) != "" {
			t.Error("a new account has the goals of one that was deleted")
		}
	})
}

func TestGoalsAreRemembered(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		state := remembering(t)
		s, _ := d.start(t, state)
		withPools(t, s)
		must(t, s.AddPool(t.Context(), Pool{Address: "btc2.example:3333", Algorithm: "sha256d"}))
		name := mustRegister(t, s, "btc.example:3333", "farm", "x")
		must(t, s.SetGoals(t.Context(), name, two(), nil))
		must(t, s.Close())
		o := d.options()
		state(&o)
		away, err := newStore(o)
		must(t, err)
		away.recall()
		if got := shown(away.Snapshot().Account(name)); got != twoShown || !away.Snapshot().Recalled() {
			t.Errorf("%s, want %s", got, twoShown)
		}
	})
}

func TestRepairKeepsGoals(t *testing.T) {
	d := newSQLite(t)
	state := remembering(t)
	s, _ := d.start(t, state)
	withPools(t, s)
	must(t, s.AddPool(t.Context(), Pool{Address: "btc2.example:3333", Algorithm: "sha256d"}))
	name := mustRegister(t, s, "btc.example:3333", "farm", "x")
	must(t, s.SetGoals(t.Context(), name, two(), nil))
	must(t, s.Close())
	damage(t, d.file(t))
	if r, err := Repair(t.Context(), d.with(state)); err != nil || r.Accounts != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := shown(d.open(t).Snapshot().Account(name)); got != twoShown {
		t.Errorf("%s, want %s", got, twoShown)
	}
}

func TestGoalsAreRefused(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s, name := withTwoPools(t, d)
		must(t, s.SetGoals(t.Context(), name, two(), nil))
		f := func(what, account string, kind error, change func(g []Goal) []Goal) {
			t.Helper()
			err := s.SetGoals(t.Context(), account, change(two()), nil)
			wants(t, what, err, kind)
			_, _, would := s.WouldSetGoals(t.Context(), account, change(two()))
			wantsSame(t, what, would, err)
			if got := shown(s.Snapshot().Account(name)); got != twoShown {
				t.Errorf("%s: the goals are %s", what, got)
			}
		}
		same := func(g []Goal) []Goal { return g }
		f("of no account", "nobody", ErrUnknownAccount, same)
		f("an unknown pool", name, ErrUnknownPool, func(g []Goal) []Goal { g[0].Pools[0].Pool = "none.example:3333"; return g })
		f("a bad address", name, ErrBadAddress, func(g []Goal) []Goal { g[0].Pools[0].Pool = "none.example"; return g })
		f("another algorithm", name, ErrBadValue, func(g []Goal) []Goal { g[0].Pools[0].Pool = "ltc.example:3333"; return g })
		f("no name", name, ErrBadValue, func(g []Goal) []Goal { g[0].Name = ""; return g })
		f("a long name", name, ErrBadValue, func(g []Goal) []Goal { g[0].Name = strings.Repeat("x", 65); return g })
		f("a name that comes twice", name, ErrBadValue, func(g []Goal) []Goal { g[0].Name = g[1].Name; return g })
		f("a weight below 0", name, ErrBadValue, func(g []Goal) []Goal { g[0].Weight = -1; return g })
		f("no number", name, ErrBadValue, func(g []Goal) []Goal { g[0].Weight = math.NaN(); return g })
		f("no weight", name, ErrBadValue, func(g []Goal) []Goal { g[0].Weight, g[1].Weight = 0, 0; return g })
		f("no pools", name, ErrBadValue, func(g []Goal) []Goal { g[0].Pools = nil; return g })
		f("a pool twice", name, ErrBadValue, func(g []Goal) []Goal {
			g[0].Pools = append(g[0].Pools, GoalPool{Pool: "btc.example:3333"})
			return g
		})
		f("a password without a user", name, ErrBadUser, func(g []Goal) []Goal { g[0].Pools[0].Password = NewSecret("x"); return g })
		f("a bad user", name, ErrBadUser, func(g []Goal) []Goal { g[1].Pools[0].User = "a\nb"; return g })
		f("a bad password", name, ErrBadPassword, func(g []Goal) []Goal { g[1].Pools[0].Password = NewSecret("\x00"); return g })
		f("too many goals", name, ErrBadValue, func(g []Goal) []Goal { return make([]Goal, MaxGoals+1) })
		f("too many pools", name, ErrBadValue, func(g []Goal) []Goal { g[0].Pools = make([]GoalPool, MaxLevels+1); return g })
	})
}

// Only credentials that the account has not had so far are tried at their pool.
func TestGoalsAreProven(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s, name := withTwoPools(t, d)
		f := func(what string, a *asked, goals []Goal, want ...string) {
			t.Helper()
			err := s.SetGoals(t.Context(), name, goals, a.prove)
			if !errors.Is(err, a.err) || strings.Join(a.what, "; ") != strings.Join(want, "; ") {
				t.Errorf("%s: %v; asked %q, want %q", what, err, a.what, want)
			}
		}
		f("refused", &asked{err: Refused("no")}, two(), "btc2.example:3333 backup b 0")
		if got := shown(s.Snapshot().Account(name)); got != "" {
			t.Errorf("refused ones are stored: %s", got)
		}
		f("new ones", new(asked), two(), "btc2.example:3333 backup b 0", "btc2.example:3333 other o 0")
		f("the same", new(asked), two())
		goals := two()
		goals[0].Weight, goals[1].Pools[0].Password = 1, NewSecret("p")
		f("another password", new(asked), goals, "btc2.example:3333 other p 0")
		goals[0].Pools[0].Pool = "btc2.example:3333"
		f("the account's own, elsewhere", new(asked), goals, "btc2.example:3333 farm x 0")
	})
}

// Options of a pool are proven by an account that is in use there, if only by one of its
// goals.
func TestChangePoolProvesGoals(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s, name := withTwoPools(t, d)
		must(t, s.SetGoals(t.Context(), name, two(), nil))
		var a asked
		p := Pool{Address: "btc2.example:3333", Algorithm: "sha256d", Options: PoolOptions{Links: 2}}
		must(t, s.ChangePool(t.Context(), p, func(account string) bool { return account == name }, a.prove))
		if len(a.what) != 1 || a.what[0] != "btc2.example:3333 backup b 2" {
			t.Errorf("asked %q", a.what)
		}
	})
}

// A pool that is in a goal stays, and stays what it is.
func TestPoolsOfGoals(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s, name := withTwoPools(t, d)
		must(t, s.SetGoals(t.Context(), name, two(), nil))
		_, err := s.DeletePool(t.Context(), "btc2.example:3333", true)
		wants(t, "deleted", err, ErrInGoals)
		f := func(what, address, algorithm string, kind error) {
			t.Helper()
			err := s.ChangePool(t.Context(), Pool{Address: address, Algorithm: algorithm, Options: PoolOptions{Links: 2}}, func(string) bool { return false }, nil)
			if kind == nil {
				must(t, err)
				return
			}
			wants(t, what, err, kind)
		}
		f("other options", "btc2.example:3333", "sha256d", nil)
		f("another algorithm", "btc2.example:3333", "scrypt", ErrInGoals)
		f("another algorithm of the account's own", "btc.example:3333", "scrypt", ErrInGoals)
		f("another algorithm of a pool without goals", "ltc.example:3333", "sha256d", nil)
		must(t, s.SetGoals(t.Context(), name, nil, nil))
		f("another algorithm, once it is in no goal", "btc2.example:3333", "scrypt", nil)
		must(t, s.SetGoals(t.Context(), name, []Goal{{"all", 1, []GoalPool{{Pool: "btc.example:3333"}}}}, nil))
		f("another algorithm of the only pool", "btc.example:3333", "scrypt", nil)
		if n, err := s.DeletePool(t.Context(), "btc.example:3333", true); n != 1 || err != nil {
			t.Errorf("with its accounts: %d, %v", n, err)
		}
	})
}
