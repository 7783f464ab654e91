package upstream

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/dial"
	"farmproxy/work"
)

// others are what serves everybody whose login is no account's: one goal.
type others struct {
	Kind
	Pools []Pool
}

func (o others) entry() Entry { return Entry{Kind: o.Kind, Goals: Whole(o.Pools...)} }

// goal returns the first goal of an account or user, or with "" of everybody else; nil: it
// is not in use.
func (d *Directory) goal(account string) *Goal {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if r := d.routes[RouteID{Account: account}]; r != nil {
		return r.list()[0]
	}
	return nil
}

// set sets the table: accounts, "name pool user" each, and what serves everybody
// else.
func (f *farm) set(accounts ...string) { f.setAll(table(accounts...)) }

// setAll sets the table: accounts, and what serves everybody else.
func (f *farm) setAll(accounts entries) {
	if len(f.others.Pools) > 0 {
		accounts[""] = f.others.entry()
	}
	f.directory.Set(accounts)
}

// entries is a table as a map.
type entries map[string]Entry

func (m entries) Entry(name string) (Entry, bool) {
	e, ok := m[name]
	return e, ok
}

func (m entries) Others() []Entry {
	if e, ok := m[""]; ok {
		return []Entry{e}
	}
	return nil
}

func (m entries) URLs() (urls []string) {
	known := make(map[string]bool)
	for _, e := range m {
		e.eachPool(func(p *Pool, _ int) {
			if !known[p.URL] {
				known[p.URL] = true
				urls = append(urls, p.URL)
			}
		})
	}
	return urls
}

// kept is a table without accounts, whose goal has its links before miners come.
func kept(pools ...Pool) Everybody {
	return Everybody{{Kind: Kind{Kept: true}, Goals: Whole(pools...)}}
}

// account returns an account at a pool.
func account(name string, p Pool) Entry { return Entry{Name: name, Goals: Whole(p)} }

func table(accounts ...string) entries {
	m := make(entries)
	for _, text := range accounts {
		word := strings.Fields(text)
		m[word[0]] = account(word[0], at(word[1], word[2]))
	}
	return m
}

// inAccounts runs a test with pools that only accounts lead to.
func inAccounts(t *testing.T, pools string, test func(f *farm)) {
	t.Helper()
	inFarm(t, pools, func(f *farm) {
		f.others.Pools = nil
		f.start()
		test(f)
	})
}

// login returns the goal of a login; nil when there is none.
func (f *farm) login(login string) *Goal {
	g, _, _ := f.directory.Login(login)
	return g
}

// join joins the goal of a login, and waits for what it leads to.
func (f *farm) join(login string, value uint16) *Lane {
	l := f.login(login).Join(Member{Prefix: Prefix{Value: value, Len: 2}})
	f.after(2 * tickSeeking)
	return l
}

// links returns how many connections to the pool are open.
func (p *scripted) links() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		select {
		case <-c.gone:
		default:
			n++
		}
	}
	return n
}

func TestLogin(t *testing.T) {
	for _, q := range []struct{ login, fixed, want string }{
		{"bob", "farm", "bob"},
		{"bob.rig1", "farm", "bob"},
		{"bob.hall.rig1", "farm", "bob"},
		{"ac.me", "farm", "ac.me"},
		{"ac.me.rig1", "farm", "fixed"},
		{"Bob", "farm", "fixed"},
		{"bobby", "farm", "fixed"},
		{"", "farm", "fixed"},
		{".bob", "farm", "fixed"},
		{"bob.", "", "bob"},
		{"nobody.rig1", "", "none"},
	} {
		f := newFarm(t, "a")
		if q.fixed == "" {
			f.others.Pools = nil
		}
		f.open()
		f.set("bob a b", "ac.me a c")
		g, account, ok := f.directory.Login(q.login)
		got := account
		switch {
		case !ok:
			got = "none"
		case g == f.goal:
			got = "fixed" + account
		case g.Account() != account:
			t.Errorf("%q: the goal's account is %q", q.login, g.Account())
		}
		equal(t, q.login, got, q.want)
	}
}

func TestAccountsAtOnePool(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		f.set("ann a anna", "bob a robert")
		equal(t, "links before a miner came", len(f.pools[0].every()), 0)
		ann, bob := f.join("ann.rig1", 1), f.join("bob", 2)
		equal(t, "two miners of one account share a lane", f.join("ann", 3), ann)
		equal(t, "links", f.pools[0].links(), 2)
		equal(t, "goal", ann.Goal(), f.login("ann"))
		f.submitOn(ann, ann.Latest().Job, 1, 1)
		f.submitOn(bob, bob.Latest().Job, 2, 2)
		f.submitOn(ann, bob.Latest().Job, 3, 3) // another lane's job
		f.wantFate(1, 2, work.Accepted)
		f.wantFate(3, 3, work.LinkLost)
		equal(t, "users", f.pools[0].users(), "anna robert")
		pool, algorithm := f.login("ann").Names()
		equal(t, "names", pool+" "+algorithm, "a sha256d")
	})
}

func TestAccountBesideEverybodyElse(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.start()
		f.set("bob b robert")
		l := f.join("bob", 1)
		wantLaneOn(t, l, "b")
		f.wantOn("a")
		equal(t, "lane numbers differ", l.number != f.lane().number, true)
	})
}

func TestMovedAccount(t *testing.T) {
	inAccounts(t, "a b", func(f *farm) {
		a := f.pools[0]
		f.set("bob a robert")
		old := f.login("bob")
		l := f.join("bob", 1)
		a.do(func() { a.answer = func(submit) string { return "" } })
		f.submitOn(l, l.Latest().Job, 1, 1)
		f.set("bob b robert")
		if len(f.rerouted) != 1 || f.rerouted[0] != old {
			t.Fatalf("rerouted: %v", f.rerouted)
		}
		moved := f.join("bob", 1)
		wantLaneOn(t, moved, "b")
		l.Leave(l.key)
		f.after(5 * time.Second)
		equal(t, "links while a share has no verdict", a.links(), 1)
		s := a.shares()[0]
		s.conn.reply(s.ID, yes)
		f.after(2 * time.Second)
		f.wantFate(1, 1, work.Accepted)
		equal(t, "links once it has", a.links(), 0)
		f.submitOn(moved, moved.Latest().Job, 2, 2)
		f.wantFate(2, 2, work.Accepted)
		equal(t, "users at b", f.pools[1].users(), "robert")
	})
}

func TestRetiredGoalDoesNotWaitForever(t *testing.T) {
	inAccounts(t, "a b", func(f *farm) {
		a := f.pools[0]
		a.answer = func(submit) string { return "" }
		f.set("bob a robert")
		old := f.login("bob")
		l := f.join("bob", 1) // and never leaves
		job := l.Latest().Job
		f.submitOn(l, job, 1, 1)
		f.set("bob b robert")
		f.after(retireTime - time.Second)
		equal(t, "links", a.links(), 1)
		f.after(2 * time.Second)
		equal(t, "links", a.links(), 0)
		f.wantFate(1, 1, work.LinkLost)
		f.submitOn(l, job, 2, 2)
		f.wantFate(2, 2, work.LinkLost)
		dials := a.dialled()
		late := old.Join(Member{Prefix: Prefix{Value: 9, Len: 2}})
		f.after(time.Minute)
		equal(t, "dials for one that is late", a.dialled(), dials)
		late.Leave(late.key)
		l.Leave(l.key)
	})
}

func TestDeletedAccount(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.start()
		f.set("bob b robert", "ann b anna")
		l, ann := f.join("bob", 1), f.join("ann", 2)
		f.set("ann b anna")
		equal(t, "rerouted", f.rerouted[0].Account(), "bob")
		equal(t, "where bob belongs now", f.login("bob"), f.goal)
		l.Leave(l.key)
		f.after(time.Second)
		equal(t, "links", f.pools[1].links(), 1)
		wantLaneOn(t, ann, "b")
		f.set()
		equal(t, "rerouted", len(f.rerouted), 2)
	})
}

func TestUnchangedAccountsStay(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		f.set("bob a robert", "ann a anna")
		g := f.login("bob")
		f.set("bob a robert", "eve a eva")
		equal(t, "rerouted", len(f.rerouted), 0)
		equal(t, "goal", f.login("bob"), g)
	})
}

// A field that equal forgets would leave miners on the old goal.
func TestAnyChangeMakesAnotherPool(t *testing.T) {
	base := at("a", "robert")
	same := base
	equal(t, "equal to itself", base.equal(&same), true)
	var change func(path []int)
	change = func(path []int) {
		changed := base
		v := reflect.ValueOf(&changed).Elem()
		field := v.Type().FieldByIndex(path)
		switch v := v.FieldByIndex(path); v.Kind() {
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int:
			v.SetInt(7)
		case reflect.Uint8:
			v.SetUint(1)
		case reflect.Float64:
			v.SetFloat(7)
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		case reflect.Struct:
			for i := range v.NumField() {
				if name := v.Type().Field(i).Name; name != "Hash" && name != "Slow" { // these go with the algorithm's name
					change(append(slices.Clone(path), i))
				}
			}
			return
		default:
			t.Fatalf("%s: a %v", field.Name, v.Kind())
		}
		if base.equal(&changed) {
			t.Errorf("another %s makes no other pool", field.Name)
		}
	}
	for i := range reflect.TypeOf(base).NumField() {
		change([]int{i})
	}
}

func TestAnyChangeMakesAnotherEntry(t *testing.T) {
	base := account("bob", at("a", "robert"))
	equal(t, "equal to itself", base.equal(&Entry{Name: "bob", Goals: Whole(at("a", "robert"))}), true)
	for what, e := range map[string]Entry{
		"name":        account("ann", at("a", "robert")),
		"route":       {Name: "bob", Route: "hall", Goals: base.Goals},
		"kept":        {Kind: Kind{Kept: true}, Name: "bob", Goals: base.Goals},
		"users":       {Kind: Kind{PerUser: true}, Name: "bob", Goals: base.Goals},
		"credentials": account("bob", at("a", "anna")),
		"one more":    {Name: "bob", Goals: Whole(at("a", "robert"), at("b", "robert"))},
		"goal":        {Name: "bob", Goals: []GoalEntry{{"main", 1, base.Goals[0].Pools}}},
		"weight":      {Name: "bob", Goals: []GoalEntry{{"", 2, base.Goals[0].Pools}}},
		"goals":       {Name: "bob", Goals: slices.Concat(base.Goals, base.Goals)},
		"none":        {Name: "bob"},
	} {
		equal(t, what, base.equal(&e), false)
	}
}

func TestAccountLetsItsLinksGo(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		a := f.pools[0]
		f.set("bob a robert")
		l := f.join("bob", 1)
		second := f.join("bob", 2)
		l.Leave(l.key)
		f.after(2 * letGo)
		equal(t, "links while one miner stays", a.links(), 1)
		second.Leave(second.key)
		f.after(letGo - 5*time.Second)
		equal(t, "links", a.links(), 1)
		equal(t, "one that is back in time finds its lane", f.join("bob", 1), l)
		f.after(2 * letGo)
		equal(t, "links while it is there", a.links(), 1)
		l.Leave(l.key)
		f.after(letGo + 2*time.Second)
		equal(t, "links a minute later", a.links(), 0)
		dials := a.dialled()
		f.after(10 * time.Minute)
		equal(t, "dials for nobody", a.dialled(), dials)

		back := time.Now()
		again := f.join("bob", 1)
		wantLaneOn(t, again, "a")
		equal(t, "another lane", again != l, true)
		equal(t, "of the same number: its books go on", again.number, l.number)
		since, none := again.without()
		if none || since.After(back) {
			t.Errorf("without a pool: %v, since %v", none, since)
		}
	})
}

// An account that was not used for hours has not been without a pool for hours.
func TestAccountIsWithoutAPoolSinceItsMinerCame(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		f.set("bob a robert")
		f.after(time.Hour)
		f.pools[0].do(func() { f.pools[0].refuse = true })
		came := time.Now()
		l := f.join("bob", 1)
		since, none := l.without()
		equal(t, "without", none, true)
		equal(t, "since", since, came)
		f.after(time.Minute)
		f.join("bob", 2)
		since, _ = l.without()
		equal(t, "since", since, came)
	})
}

func TestDownPoolIsNotHammeredByItsAccounts(t *testing.T) {
	const accounts = 300
	inAccounts(t, "a", func(f *farm) {
		a := f.pools[0]
		var rows []string
		for i := range accounts {
			rows = append(rows, fmt.Sprintf("acct%d a user%d", i, i))
		}
		f.set(rows...)
		for i := range accounts {
			f.login(fmt.Sprintf("acct%d", i)).Join(Member{Prefix: Prefix{Value: uint16(i), Len: 2}})
		}
		f.after(5 * tickSeeking)
		equal(t, "links", a.links(), accounts)
		a.do(func() { a.hole = true })
		before := a.dialled()
		for _, c := range a.every() {
			c.Close()
		}
		f.after(3 * time.Minute)
		if n := a.dialled() - before; n < maxDialing || n > maxDialing+10*maxTrials {
			t.Errorf("%d attempts in 3 minutes", n)
		}
		a.do(func() { a.hole = false })
		f.after(f.directory.failover().BackoffMax + dial.Timeout + 5*time.Second)
		equal(t, "links once it is back", a.links(), accounts)
	})
}

func TestRefusedUserIsTheAccountsOwn(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		a := f.pools[0]
		a.badUser = "mallory"
		f.set("bad a mallory", "bob a robert")
		bad := f.join("bad", 1)
		book := f.login("bad").list()[0].book
		wantPart(t, "why", *book.LastError.Load(), `refused user "mallory": it said "Unknown user"; check user and password of account "bad"`)
		bob := f.join("bob", 2)
		wantLaneOn(t, bob, "a")
		f.after(time.Minute)
		wantLaneOn(t, bad, "none")
		equal(t, "pool is up for the others", book.Up.Load(), true)
		if n := a.dialled(); n > 12 {
			t.Errorf("%d attempts in a minute", n)
		}
		bob.Leave(bob.key)
		eve := time.Now()
		f.join("bob", 3)
		equal(t, "nobody waits for the refused one", time.Since(eve) < time.Second, true)
		wantLaneOn(t, bob, "a")
	})
}

func TestSizesOfAccountsPools(t *testing.T) {
	inAccounts(t, "a b", func(f *farm) {
		shape := func() string {
			prefix, extranonce2 := f.directory.Shape()
			return fmt.Sprintf("%d+%d", prefix, extranonce2)
		}
		f.pools[1].size = 5
		f.set("ann a anna", "bob b robert")
		equal(t, "nothing known", shape(), "2+2")
		f.join("ann", 1)
		equal(t, "one known", shape(), "2+2")
		f.join("bob", 2)
		equal(t, "all known", shape(), "2+3")
		f.set("ann a anna")
		equal(t, "without the small one", shape(), "2+4")
		f.set("ann a anna", "eve b eva")
		equal(t, "known by its url", shape(), "2+3")
	})
}

// A miner with a 2-byte prefix has no room at a pool that leaves 3 bytes; the
// loop can see it.
func TestPoolThatIsTooSmallForAMiner(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		f.pools[0].size = 3
		f.set("bob a robert")
		g := f.login("bob")
		equal(t, "fits while nothing is known", g.Fits(Prefix{Len: 2}), true)
		wantLaneOn(t, f.join("bob", 1), "none")
		equal(t, "fits", g.Fits(Prefix{Len: 2}), false)
		equal(t, "fits with a shorter prefix", g.Fits(Prefix{Len: 1}), true)
		l := g.Join(Member{Prefix: Prefix{Group: 1, Value: 1, Len: 1}})
		f.after(time.Second)
		wantLaneOn(t, l, "a")
	})
}

func TestAlgorithmOfAJob(t *testing.T) {
	for _, q := range []struct {
		name    string
		divider float64
		want    string
		network float64
	}{
		{"", 0, "sha256d", 1},
		{"sha256d", 1, "sha256d", 1},
		{"sha256d", 4, "sha256d", 4},
		{"scrypt", 65536, "scrypt", 65536},
		{"x11", 256, "x11", 256},
	} {
		inFarm(t, "a", func(f *farm) {
			f.others.Pools[0].Algorithm = work.Algorithm{Name: q.name, Divider: q.divider}
			f.start()
			job, got := f.latest().Job, "sha256d"
			if job.Algorithm != nil {
				got = job.Algorithm.Name
			}
			equal(t, "algorithm of the job", got, q.want)
			equal(t, "difficulty of a block", job.Network, q.network)
		})
	}
}

func TestOneInTheProcess(t *testing.T) {
	inAccounts(t, "a b", func(f *farm) {
		f.set("ann a anna", "bob b robert")
		numbers, seen := make(map[int]bool), make(map[Prefix]bool)
		for i := range 600 {
			p := take(t, f, 1+i%2)
			if seen[p] {
				t.Fatalf("%v twice", p)
			}
			seen[p] = true
			numbers[f.login([]string{"ann", "bob"}[i%3%2]).Join(Member{Prefix: p}).number] = true
		}
		// 300 1-byte prefixes make two groups, the others one, on each goal.
		equal(t, "lanes", len(numbers), 6)
	})
}

func TestPrefixRestsWithTheLaneThatItsMinerWorkedOn(t *testing.T) {
	inAccounts(t, "a b", func(f *farm) {
		f.set("ann a anna", "bob b robert")
		p := take(t, f, 2)
		ann := f.join("ann", p.Value)
		f.join("bob", 7)
		ann.Leave(ann.key)
		f.directory.Prefixes().Release(p, ann)
		f.pools[1].last().job(true)
		f.after(0)
		equal(t, "after a clean job of another lane", take(t, f, 2).Value, p.Value+1)
		f.pools[0].last().job(true)
		f.after(0)
		equal(t, "after one of its own", take(t, f, 2), p)

		f.directory.Prefixes().Release(p, ann)
		f.after(letGo + 2*time.Second)
		equal(t, "after the lane's end", take(t, f, 2), p)
		f.directory.Prefixes().Release(p, ann)
		equal(t, "a lane that has ended keeps nothing", take(t, f, 2), p)
	})
}

func TestNoRoomForAnotherLane(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		f.set("bob a robert")
		f.directory.onDemand.max = 0
		l := f.join("bob", 1)
		f.after(time.Minute)
		wantLaneOn(t, l, "none")
		equal(t, "dials", f.pools[0].dialled(), 0)
		f.directory.onDemand.mu.Lock()
		f.directory.onDemand.max = MaxOnDemand
		f.directory.onDemand.mu.Unlock()
		f.after(time.Second)
		wantLaneOn(t, l, "a")
		l.Leave(l.key)
		f.after(letGo + 2*time.Second)
		equal(t, "counted", f.directory.onDemand.taken(), 0)
	})
}

func TestWorkersOfAnAccount(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		p := at("a", "robert")
		p.PassWorkers = true
		f.directory.Set(entries{"7804e4ad": account("7804e4ad", p)})
		l := f.join("7804e4ad", 1)
		for i, login := range []string{"7804e4ad", "7804e4ad.rig1"} {
			s := share(l.Latest().Job, uint32(i))
			s.Worker = f.book.Worker(login)
			l.Submit(s)
		}
		f.after(time.Second)
		f.wantFate(0, 1, work.Accepted)
		equal(t, "users", f.pools[0].users(), "robert robert.rig1")
	})
}
