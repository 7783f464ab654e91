package upstream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// pools reads a list of pools: "a b:user c", the user is farm unless it is said.
func pools(text string) (list []Pool) {
	for _, word := range strings.Fields(text) {
		name, user, said := strings.Cut(word, ":")
		if !said {
			user = "farm"
		}
		list = append(list, at(name, user))
	}
	return list
}

// changed sets another list of pools for everybody.
func (f *farm) changed(list string) {
	f.others.Pools = pools(list)
	f.set()
}

// Another list of pools disconnects nobody: miners stay on their lanes, get a clean
// job where their link has to change, and their shares get their verdicts.
func TestAnotherListOfPools(t *testing.T) {
	for _, q := range []struct {
		what, before, after string
		on                  string // which pool serves then
		jobs                int    // clean ones that the miners got for it
		links               string // how many each of the pools a, b and c has, once all is quiet
	}{
		{"the same", "a b", "a b", "a", 0, "1 0 0"},
		{"a backup is added", "a", "a b", "a", 0, "1 0 0"},
		{"a better one is added", "a", "b a", "b", 1, "0 1 0"},
		{"the backup is removed", "a b", "a", "a", 0, "1 0 0"},
		{"the one that serves is removed", "a b", "b", "b", 1, "0 1 0"},
		{"it is replaced, the backup stays", "a b", "c b", "c", 1, "0 0 1"},
		{"the order changes", "a b", "b a", "b", 1, "0 1 0"},
		{"those behind the one that serves change", "a b c", "a c b", "a", 0, "1 0 0"},
		{"the only one has other credentials", "a", "a:other", "a", 1, "1 0 0"},
		{"the one that serves has other credentials", "a b", "a:other b", "a", 1, "1 0 0"},
		{"the backup has other credentials", "a b", "a b:other", "a", 0, "1 0 0"},
	} {
		t.Run(q.what, func(t *testing.T) {
			inFarm(t, "a b c", func(f *farm) {
				f.o.Failover.ReturnAfter = time.Second
				f.others.Pools = pools(q.before)
				f.start()
				f.after(time.Minute) // the backups have been in health for long
				lane, a := f.lane(), f.pools[0]
				a.do(func() { a.answer = func(submit) string { return "" } })
				f.submit(1, 3)
				before := len(f.posts)
				f.changed(q.after)
				f.after(drainTime / 2)
				for _, s := range a.shares() {
					s.conn.reply(s.ID, yes)
				}
				f.after(time.Minute)
				f.wantOn(q.on)
				f.wantFate(1, 3, work.Accepted)
				a.do(func() { a.answer = func(submit) string { return yes } })
				f.submit(4, 6)
				f.wantFate(4, 6, work.Accepted)
				clean := 0
				for _, p := range f.posts[before:] {
					if p.Clean {
						clean++
					}
				}
				equal(t, "clean jobs", clean, q.jobs)
				equal(t, "links", fmt.Sprint(a.links(), f.pools[1].links(), f.pools[2].links()), q.links)
				equal(t, "goals that miners had to leave", len(f.rerouted), 0)
				equal(t, "lanes whose miners were closed", len(f.outgrown)+len(f.dismissed), 0)
				equal(t, "the goal", f.directory.goal(""), f.goal)
				equal(t, "its lane", f.joined, lane)
				if strings.HasPrefix(q.after, "a:other") {
					equal(t, "users", a.users(), "farm farm farm other other other")
				}
			})
		})
	}
}

// A list that has none of the pools of before, or whose lanes are other ones, is
// another goal: miners log in again, in memory.
func TestAnotherListThatIsAnotherGoal(t *testing.T) {
	for _, q := range []struct {
		what  string
		after func(f *farm)
	}{
		{"none of the pools is left", func(f *farm) { f.others.Pools = pools("b") }},
		{"it becomes direct", func(f *farm) { f.others.Pools = pools("b a"); f.others.Pools[0].Direct = true }},
		{"a group has more lanes", func(f *farm) { f.others.Pools = pools("b a"); f.others.Pools[1].Links = 3 }},
		{"it is an algorithm's", func(f *farm) {
			f.others.Pools = pools("b a")
			for i := range f.others.Pools {
				f.others.Pools[i].Algorithm = work.Algorithm{Name: "x11", Divider: 1}
			}
		}},
		{"each user has a goal", func(f *farm) { f.others.Pools = pools("b"); f.others.Kind = Kind{PerUser: true} }},
	} {
		t.Run(q.what, func(t *testing.T) {
			inFarm(t, "a b", func(f *farm) {
				f.others.Pools = pools("a")
				f.start()
				l, a := f.lane(), f.pools[0]
				a.do(func() { a.answer = func(submit) string { return "" } })
				f.submit(1, 3)
				q.after(f)
				f.set()
				if len(f.rerouted) != 1 || f.rerouted[0] != f.goal {
					t.Fatalf("rerouted: %v", f.rerouted)
				}
				moved := f.join("nobody.rig", 1)
				equal(t, "another goal", moved.Goal() != f.goal, true)
				l.Leave(l.key)
				wantLaneOn(t, moved, "b")
				for _, s := range a.shares() {
					s.conn.reply(s.ID, yes)
				}
				f.after(time.Second)
				f.wantFate(1, 3, work.Accepted)
				f.submitOn(moved, moved.Latest().Job, 4, 6)
				f.wantFate(4, 6, work.Accepted)
				f.after(retireTime)
				equal(t, "lanes of the old goal", len(f.goal.lanes), 0)
			})
		})
	}
}

// A pool that is taken out serves on while none of the others is up: its miners work.
func TestAPoolThatIsTakenOutServesUntilAnotherIsUp(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.pools[1].refuse = true
		f.start()
		f.changed("b")
		f.after(f.directory.failover().Silence - time.Minute)
		f.wantOn("a")
		f.submit(1, 1)
		f.wantFate(1, 1, work.Accepted)
		f.pools[1].do(func() { f.pools[1].refuse = false })
		f.after(f.directory.failover().BackoffMax + time.Second)
		f.wantOn("b")
		f.pools[1].last().Close()
		f.after(time.Second)
		f.wantOn("b")
		equal(t, "dials of the one that was taken out", f.pools[0].dialled(), 1)
	})
}

// Its link is not dialled again.
func TestAPoolThatIsTakenOutIsLost(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.pools[1].refuse = true
		f.start()
		f.after(time.Minute)
		f.changed("b")
		f.after(time.Second)
		f.wantOn("a")
		dials := f.pools[0].dialled()
		f.pools[0].lane().Close()
		f.after(time.Minute)
		f.wantOn("none")
		equal(t, "dials", f.pools[0].dialled(), dials)
	})
}

// Where none of the others has room for its miners' prefixes they come back for
// shorter ones.
func TestAPoolThatIsTakenOutForOneWithoutRoom(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.pools[1].size = 3
		f.start()
		f.lane()
		f.changed("b")
		f.after(5 * time.Second)
		equal(t, "closed", len(f.outgrown) > 0 && f.outgrown[0] == f.lane(), true)
	})
}

// One that is taken out while it is dialled serves nobody.
func TestAPoolThatIsTakenOutWhileItIsTried(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.pools[0].jobless = true
		f.pools[1].refuse = true
		f.start()
		f.changed("b")
		f.after(time.Second)
		equal(t, "links", f.pools[0].links(), 0)
		dials := f.pools[0].dialled()
		f.after(time.Minute)
		equal(t, "dials", f.pools[0].dialled(), dials)
	})
}

// No table, one without pools, and back: nobody is served, and then everybody.
func TestPoolsThatComeAndGo(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools = nil
		f.start()
		_, _, ok := f.directory.Login("nobody.rig")
		equal(t, "served", ok, false)
		f.changed("a")
		f.after(time.Second)
		equal(t, "links before a miner came", f.pools[0].links(), 1)
		wantLaneOn(t, f.join("nobody.rig", 1), "a")
		f.others.Pools = nil
		f.set()
		equal(t, "rerouted", len(f.rerouted), 1)
		_, _, ok = f.directory.Login("nobody.rig")
		equal(t, "served", ok, false)
		f.after(time.Minute)
		equal(t, "links", f.pools[0].links(), 0)
		dials := f.pools[0].dialled()
		f.after(time.Hour)
		equal(t, "probes", f.pools[0].dialled(), dials)
	})
}

// Users' goals follow the list of pools as everybody's does.
func TestAnotherListOfPoolsForUsers(t *testing.T) {
	inUsers(t, "a b", func(f *farm) {
		f.others.Pools = pools("a")
		f.set()
		ann, bob := f.join("ann", 1), f.join("bob", 2)
		f.changed("b a")
		f.after(f.directory.failover().ReturnAfter + time.Minute)
		wantLaneOn(t, ann, "b")
		wantLaneOn(t, bob, "b")
		f.submitOn(ann, ann.Latest().Job, 1, 1)
		f.submitOn(bob, bob.Latest().Job, 2, 2)
		equal(t, "users", f.pools[1].users(), "ann bob")
		equal(t, "rerouted", len(f.rerouted), 0)
		f.changed("b")
		carol := f.join("carol", 3)
		wantLaneOn(t, carol, "b")
		f.submitOn(carol, carol.Latest().Job, 3, 3)
		equal(t, "users", f.pools[1].users(), "ann bob carol")
		f.wantFate(1, 3, work.Accepted)
	})
}

// An account with another password goes on at its link until the next one is up.
func TestAnAccountsOtherCredentials(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		a := f.pools[0]
		f.set("bob a robert")
		l := f.join("bob", 1)
		a.do(func() { a.answer = func(submit) string { return "" } })
		f.submitOn(l, l.Latest().Job, 1, 1)
		f.set("bob a bobby")
		s := a.shares()[0]
		f.after(time.Second)
		s.conn.reply(s.ID, yes)
		a.do(func() { a.answer = func(submit) string { return yes } })
		f.submitOn(l, l.Latest().Job, 2, 2)
		f.after(time.Second)
		f.wantFate(1, 2, work.Accepted)
		equal(t, "users", a.users(), "robert bobby")
		equal(t, "rerouted", len(f.rerouted), 0)
	})
}

// The books say where a pool stands in the list that serves everybody.
func TestLevelsInTheBooks(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.start()
		levels := func() (text string) {
			for _, p := range f.book.Pools() {
				text += fmt.Sprint(p.Name, " ", p.Level(), " ", p.Up.Load(), " ")
			}
			return strings.TrimSpace(text)
		}
		equal(t, "before", levels(), "a 0 true b 1 true")
		f.changed("b a")
		f.after(time.Second)
		equal(t, "after", levels(), "b 0 true a 1 true")
		f.set("bob a robert")
		f.join("bob", 7)
		equal(t, "with an account at one of them", levels(), "b 0 true a 1 true")
	})
}

// Whatever lists come, a share that was taken gets its one verdict.
func TestListsThatChangeAllTheTime(t *testing.T) {
	inFarm(t, "a b c", func(f *farm) {
		f.start()
		n := uint32(0)
		for i, list := range []string{"b", "b c", "c:x b", "a", "a:y a", "c b a", "a b c", "b:z", "b:z a", "a"} {
			l := f.login("nobody.rig").Join(Member{Prefix: Prefix{Len: 2}})
			f.after(3 * time.Second)
			f.submitOn(l, l.Latest().Job, n+1, n+5)
			n += 5
			f.changed(list)
			f.after(time.Duration(i%3) * time.Millisecond)
			l.Leave(l.key)
		}
		f.after(time.Minute)
		equal(t, "verdicts", len(f.fate()), int(n))
		f.directory.Close(context.Background())
	})
}

// A goal goes on as the one of its name, else as one that leads to a pool of its own; each as
// one at most.
func TestOrigins(t *testing.T) {
	goals := func(text string) (list []GoalEntry) { // "main: a b; second: b"
		for goal := range strings.SplitSeq(text, "; ") {
			name, pools, _ := strings.Cut(goal, ": ")
			g := GoalEntry{Name: name}
			for pool := range strings.FieldsSeq(pools) {
				p := Pool{}
				p.Name, p.URL, p.Direct = pool, pool, strings.HasSuffix(pool, "!")
				g.Pools = append(g.Pools, p)
			}
			list = append(list, g)
		}
		return list
	}
	for _, x := range []struct {
		was, is string
		want    []int
	}{
		{"main: a; second: b", "main: a; second: b", []int{0, 1}},
		{"main: a b; second: b a", "second: b a; main: a b", []int{1, 0}}, // by name, whatever the order
		{"main: a; second: b", "first: a; second: b", []int{0, 1}},        // it is called otherwise
		{"main: a; second: b", "second: a; main: b", []int{0, 1}},         // their names have changed places
		{"main: a", "main: b", []int{-1}},
		{"main: a", "main: b; other: a", []int{-1, 0}},
		{"main: a", "one: a; two: a", []int{0, -1}},
		{"main: a; second: a", "all: a", []int{0}},
		{"main: a!", "main: a! b", []int{0}},
		{"main: a", "main: a b!", []int{-1}}, // each miner gets a link of its own
	} {
		if got := Origins(goals(x.was), goals(x.is)); !slices.Equal(got, x.want) {
			t.Errorf("%s, then %s: %v, want %v", x.was, x.is, got, x.want)
		}
	}
}
