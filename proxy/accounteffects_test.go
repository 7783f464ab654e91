package proxy

import (
	"strings"
	"testing"

	"farmproxy/config"
	"farmproxy/store"
	"farmproxy/upstream"
	"farmproxy/wish"
)

// accountText is an account at the pool o: "main 3: a b; second 1: b as bob". A user with ? has
// another password than before, as far as is known.
func accountText(text string) *store.Account {
	a := &store.Account{Name: "X", Pool: "o", User: "alice", Password: store.NewSecret("x")}
	for goal := range strings.SplitSeq(text, "; ") {
		name, pools, split := strings.Cut(goal, ": ")
		if !split {
			continue
		}
		name, weight, _ := strings.Cut(name, " ")
		g := store.Goal{Name: name, Weight: float64(weight[0] - '0')}
		for pool := range strings.SplitSeq(pools, ", ") {
			at, user, _ := strings.Cut(pool, " as ")
			p := store.GoalPool{Pool: at, User: strings.TrimSuffix(user, "?"), Password: store.NewSecret("")}
			if strings.HasSuffix(user, "?") {
				p.Password = store.NewSecret("?")
			}
			g.Pools = append(g.Pools, p)
		}
		a.Goals = append(a.Goals, g)
	}
	return a
}

// entryOf is what an account makes where all pools are known and alike.
func entryOf(a *store.Account) (e upstream.Entry) {
	if a == nil {
		return e
	}
	goals := a.Goals
	if goals == nil {
		goals = []store.Goal{{Weight: 1, Pools: []store.GoalPool{{Pool: a.Pool}}}}
	}
	for _, g := range goals {
		to := upstream.GoalEntry{Name: g.Name, Weight: g.Weight}
		for _, p := range g.Pools {
			at := a.At(p)
			q := upstream.Pool{User: at.User, Password: at.Password.Reveal()}
			q.Name, q.URL = p.Pool, p.Pool
			to.Pools = append(to.Pools, q)
		}
		e.Goals = append(e.Goals, to)
	}
	return e
}

// What each change of an account does, in words: who goes where, who is asked before, and who
// can't log in any more.
func TestTheEffectsOfChangesOfAccounts(t *testing.T) {
	const split = "main 3: a, b; second 1: b as bob"
	const safe = "|No miner is disconnected."
	const fits = " on the connection that it has, or on a new one where its extranonce does not fit"
	const way = ", each by a clean job on the connection that it has."
	const division = "main 75 % to a, then b; second 25 % to b as bob"
	whole := func(miners int, pools string) []goalFacts {
		return []goalFacts{{goalKey{"account:X", ""}, false, miners, list(pools)}}
	}
	two := func(main, second string) []goalFacts {
		return []goalFacts{{goalKey{"account:X", "main"}, true, 6, list(main)}, {goalKey{"account:X", "second"}, true, 2, list(second)}}
	}
	none := []goalFacts(nil)
	password := accountText("")
	password.Password = store.NewSecret("\x00")
	for _, x := range []struct {
		name          string
		before, after *store.Account
		inUse         []goalFacts
		pools         string // of the configuration
		want          string
	}{
		{"a new one", nil, accountText(""), none, "", "alice at o is a new account: farmproxy gives it a name, with which its miners log in.|o is not asked about it now: farmproxy connects to it when the first of its miners comes." + safe},
		{"a known one", accountText(""), password, whole(3, "o!"), "", "alice at o is account X already, and keeps its name.|If the password that is given for alice is another one: o is asked first whether it lets alice in with it, and nothing changes if it does not.|3 miners: each gets a clean job once a new link to o is up, with another password." + safe},
		{"a known one without miners", accountText(""), password, whole(0, "o!"), "", "alice at o is*|If the password*|No miner of it is connected: those that come work so."},

		{"one is deleted", accountText(""), nil, whole(3, "o!"), "", "3 miners of account X are disconnected.|Nobody can log in with X any more.|farmproxy forgets its password. If alice at o is registered again, it gets another name."},
		{"one with a miner", accountText(split), nil, []goalFacts{{goalKey{"account:X", "main"}, true, 1, list("a!")}, {goalKey{"account:Y", "main"}, true, 9, list("a!")}}, "", "1 miner of account X is disconnected.|Nobody can*|farmproxy forgets*"},
		{"one without miners", accountText(""), nil, none, "", "No miner of account X is connected.|Nobody can log in with X any more.|farmproxy forgets*"},
		{"one whose weights are ordered", accountText(split), nil, none, "", "No miner*|Nobody can*|The weights that are ordered for it change nothing then.|farmproxy forgets*"},
		{"one beside pools for everybody", accountText(""), nil, whole(3, "o!"), "a b", "3 miners of account X: to a or b, as everybody whose login is no account's, each by a clean job" + fits + ".|farmproxy forgets*"},
		{"one without miners beside them", accountText(""), nil, none, "a", "No miner of account X is connected.|Whoever logs in with X then: to a, as everybody whose login is no account's.|farmproxy forgets*"},

		{"goals as they are", accountText(split), accountText(split), two("a! b", "b!"), "", "Nothing changes: the work of account X is divided so already: " + division + "."},
		{"all to its own pool, as it is", accountText(""), accountText(""), whole(3, "o!"), "", "Nothing changes: the work of account X is divided so already: all to o."},
		{"a password of a goal", accountText(split), accountText(split + "?"), two("a! b", "b!"), "", "The work of account X is divided as before: " + division + ".|If the password that is given for bob is another one: b*|6 miners of goal main: each stays on its link to a.|2 miners of goal second: each gets a clean job once a new link to b is up, with another password.|8 miners stay at their goals." + safe},
		{"goals of an account that had none", accountText(""), accountText("main 3: o; second 1: b as bob"), whole(4, "o!"), "", "The work of account X is divided otherwise: main 75 % to o; second 25 % to b as bob. So far: all to o.|b is asked first whether it lets bob in, and nothing changes if it does not.|4 miners: each stays on its link to o.|Within minutes its miners are divided so" + way + safe},
		{"goals that lead elsewhere", accountText(""), accountText("main 3: a; second 1: b as bob"), whole(4, "o!"), "", "The work*|a is asked first whether it lets alice in*|b is asked first*|4 miners: each gets a clean job of another goal at once," + fits + ".|Within minutes*"},
		{"other weights", accountText(split), accountText("main 1: a, b; second 3: b as bob"), two("a! b", "b!"), "", "The work of account X is divided otherwise: main 25 % to a, then b; second 75 % to b as bob. So far: " + division + ".|6 miners of goal main: each stays on its link to a.|2 miners of goal second: each stays on its link to b.|From goal main to goal second: about 4 miners within minutes" + way + "|4 miners stay at their goals." + safe},
		{"other weights where some are ordered", accountText(split), accountText("main 1: a, b; second 3: b as bob"), two("a! b", "b!"), "", "The work*|6 miners*|2 miners*|Other weights are ordered for route account:X now: they hold until the order ends or is taken back." + safe},
		{"no goals any more", accountText(split), accountText(""), two("a! b", "b!"), "", "The work of account X is divided otherwise: all to o. So far: " + division + ".|6 miners of goal main: each gets a clean job of another goal at once," + fits + ".|2 miners of goal second: each*"},
		{"another first pool", accountText("main 1: a, b; second 1: c"), accountText("main 1: b, a; second 1: c"), two("a! b", "c!"), "", "The work*|From a to b: 6 miners of goal main, each by a clean job, once b has been healthy for failover.return_after (2m).|2 miners of goal second: each stays on its link to c.|8 miners stay*" + safe},
		{"a pool leaves a goal", accountText("main 1: a, b; second 1: c"), accountText("main 1: b; second 1: c"), two("a! b", "c!"), "", "The work*|From a to b: 6 miners of goal main, each by a clean job once b gives one.|2 miners*|8 miners stay*" + safe},
		{"only a broken one stays", accountText("main 1: a, b; second 1: c"), accountText("main 1: b; second 1: c"), two("a! b?", "c!"), "", "The work*|No pool is known to work for 6 miners of goal main: they stay connected for failover.hold (10m), and are disconnected then.|2 miners*|8 miners stay*"},
		{"only a drained one stays", accountText("main 1: a, left; second 1: c"), accountText("main 1: left; second 1: c"), two("a! left", "c!"), "", "The work*|No pool is known to work for 6 miners of goal main*|2 miners*|8 miners stay*"},
		{"miners without a pool", accountText("main 1: a; second 1: c"), accountText("main 1: a, b; second 1: c"), two("a?", "c!"), "", "The work*|b is asked first*|To b: 6 miners of goal main without a pool, as soon as it gives a job.|2 miners*|8 miners stay*" + safe},
		{"another user at the pool", accountText("main 1: a; second 1: b as bob"), accountText("main 1: a; second 1: b as carl"), two("a!", "b!"), "", "The work*|b is asked first whether it lets carl in*|6 miners*|2 miners of goal second: each gets a clean job once a link to b as carl is up.|8 miners stay*" + safe},
	} {
		moves := &flow{at: map[string]int{"main": 6, "second": 2}, moves: map[[2]string]int{}}
		if x.name == "other weights" {
			moves.moves[[2]string{"main", "second"}] = 4
		}
		c := accounting{
			facts: facts{goals: make(map[goalKey]int), inUse: x.inUse, config: config.Default()}, known: staged{moves: *moves},
			before: x.before, after: x.after, was: entryOf(x.before), is: entryOf(x.after), left: map[string]wish.PoolState{"left": wish.Drained},
		}
		if strings.HasSuffix(x.name, "are ordered") {
			c.given = []string{"account:X"}
		}
		for _, g := range x.inUse {
			c.goals[g.goalKey] = g.miners
		}
		for name := range strings.FieldsSeq(x.pools) {
			c.config.Pools = append(c.config.Pools, config.Pool{Name: name})
		}
		if err := c.tell(t.Context()); err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
		want := strings.Split(x.want, "|")
		same := len(want) == len(c.said)
		for i := range min(len(want), len(c.said)) {
			head, open := strings.CutSuffix(want[i], "*")
			same = same && (c.said[i] == want[i] || open && strings.HasPrefix(c.said[i], head))
		}
		if !same {
			t.Errorf("%s:\n%s\nwant\n%s", x.name, strings.Join(c.said, "\n"), strings.Join(want, "\n"))
		}
	}
}

// storeText is a file's store.
func storeText(t *testing.T) string {
	return "[store]\nurl = \"sqlite://" + t.TempDir() + "/accounts.db\"\n"
}

// wantUnwritten is want for what the store has.
func (o ordered) wantUnwritten(method, path, body string, says ...string) {
	o.t.Helper()
	before := o.store.Snapshot().Version()
	o.want(method, path, body, says...)
	if after := o.store.Snapshot().Version(); after != before {
		o.t.Errorf("a dry run of %s %s has written", method, path)
	}
}

// cleanJob waits for one.
func (m *miner) cleanJob() {
	for job := m.job(); string(job.Params[8]) != "true"; job = m.job() {
	}
}

// What is said of a change of an account is what happens then, and nothing of it before.
func TestADryRunOfAnAccount(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	f := ordered{startFile(t, ports+storeText(t))}
	eventually(t, "there are events", func() bool { code, _ := f.request(t, "GET", "/api/v1/events", ""); return code == 200 })
	alice := `{"pool":"` + one.Addr() + `","user":"alice","password":"x"}`
	name := f.register(t, one, "alice", store.PoolOptions{})
	f.register(t, two, "bob", store.PoolOptions{})
	path := "users/" + name
	f.wantUnwritten("POST", "users", strings.Replace(alice, "alice", "carl", 1), "carl at "+one.Addr()+" is a new account")
	f.wantUnwritten("DELETE", path, "", "No miner of account "+name+" is connected.")
	if got := f.ask("DELETE", "users/nobody?dry_run=true", "", 404); !strings.Contains(got, "is not known") {
		t.Error(got)
	}

	var miners []*miner
	for range 3 {
		m := connect(t, f.server.Addresses()[0])
		m.work(name + ".rig")
		miners = append(miners, m)
	}
	clean := func() {
		for _, m := range miners {
			m.cleanJob()
		}
	}
	f.known(one.Addr(), true)
	f.wantUnwritten("POST", "users", alice, "alice at "+one.Addr()+" is account "+name+" already", "3 miners: each gets a clean job once a new link to "+one.Addr()+" is up, with another password.", "No miner is disconnected.")
	f.ask("POST", "users", alice, 201)
	clean()

	goals := `{"goals":[{"name":"main","weight":1,"pools":[{"pool":"` + two.Addr() + `","user":"bob"}]}]}`
	f.wantUnwritten("PUT", path, goals, "So far: all to "+one.Addr(), two.Addr()+" is asked first whether it lets bob in", "3 miners: each gets a clean job of another goal at once")
	f.ask("PUT", path, goals, 200)
	clean()
	f.known(two.Addr(), true)
	eventually(t, "all are at the goal", func() bool { return f.places()["main"] == len(miners) })
	f.wantUnwritten("PUT", path, goals, "Nothing changes: ")

	f.wantUnwritten("DELETE", path, "", "3 miners of account "+name+" are disconnected.", "Nobody can log in with "+name+" any more.")
	f.ask("DELETE", path, "", 204)
	for _, m := range miners {
		m.wantClosed()
	}
}

// Where there are pools for everybody, the miners of an account that is deleted go there.
func TestADryRunOfAnAccountBesidePoolsForEverybody(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	f := ordered{startFile(t, ports+storeText(t)+namedPools(one))}
	eventually(t, "there are events", func() bool { code, _ := f.request(t, "GET", "/api/v1/events", ""); return code == 200 })
	name := f.register(t, two, "alice", store.PoolOptions{})
	f.known("a", true)
	m := connect(t, f.server.Addresses()[0])
	m.work(name + ".rig")
	f.wantUnwritten("DELETE", "users/"+name, "", "1 miner of account "+name+": to a, as everybody whose login is no account's")
	f.ask("DELETE", "users/"+name, "", 204)
	m.cleanJob()
	m.wantAlive()
}
