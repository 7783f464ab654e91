package upstream

import (
	"fmt"
	"testing"
	"time"

	"farmproxy/work"
)

// inUsers runs a test in multi-user mode.
func inUsers(t *testing.T, names string, test func(f *farm)) {
	t.Helper()
	inFarm(t, names, func(f *farm) {
		f.others.Kind = Kind{PerUser: true}
		f.start()
		test(f)
	})
}

func TestUserOfLogin(t *testing.T) {
	for _, q := range []struct{ login, want string }{
		{"ann", "ann"},
		{"ann.rig1", "ann"},
		{"ann.hall.rig1", "ann"},
		{"ann.", "ann"},
		{"bob.rig1", "account bob"},
		{"ac.me", "account ac.me"},
		{"ac.me.rig1", "ac"},
		{"ac", "ac"},
		{"", "none"},
		{".rig1", "none"},
	} {
		for _, before := range []string{"", "ac"} { // the user's goal is there already
			f := newFarm(t, "a b")
			f.others.Kind = Kind{PerUser: true}
			f.open()
			f.set("bob a robert", "ac.me a acme")
			f.login(before)
			g, account, ok := f.directory.Login(q.login)
			got := account
			switch {
			case !ok:
				got = "none"
			case !g.PerUser:
				got = "account " + account
			default:
				equal(t, q.login+": pools", len(g.list()), 2)
				equal(t, q.login+": user", g.list()[1].User, account)
			}
			equal(t, q.login, got, q.want)
		}
	}
}

func TestUsers(t *testing.T) {
	inUsers(t, "a b", func(f *farm) {
		f.after(10 * time.Minute)
		equal(t, "links and probes before a miner came", f.pools[0].dialled()+f.pools[1].dialled(), 0)
		equal(t, "a goal of everybody else", f.directory.goal("") == nil, true)
		ann, bob := f.join("ann.rig1", 1), f.join("bob.rig1", 2)
		f.join("ann.rig2", 3)
		equal(t, "links", f.pools[0].links(), 2)
		f.submitOn(ann, ann.Latest().Job, 1, 1)
		f.submitOn(bob, bob.Latest().Job, 2, 2)
		f.wantFate(1, 2, work.Accepted)
		equal(t, "users", f.pools[0].users(), "ann bob")
		equal(t, "whose links they are", *ann.serving.book.User.Load()+" "+*bob.serving.book.User.Load(), "ann bob")
		_, extranonce2 := f.directory.Shape()
		equal(t, "the backup is probed, once for all", f.pools[1].dialled(), 1)
		equal(t, "extranonce2", extranonce2, 4)
	})
}

// What is known of the pools shapes newcomers before any user is there.
func TestUsersPoolsShape(t *testing.T) {
	f := newFarm(t, "a b")
	f.others.Kind = Kind{PerUser: true}
	f.open()
	_, extranonce2 := f.directory.Shape()
	equal(t, "unknown", extranonce2, 2)
	equal(t, "mask", f.directory.Mask(""), maskDefault)
	g := f.login("ann")
	f.directory.learn(g.list()[0], 8, 0x00c00000, true)
	f.directory.learn(g.list()[1], 5, 0, true)
	_, extranonce2 = f.directory.Shape()
	equal(t, "known", extranonce2, 3)
	equal(t, "mask", f.directory.Mask(""), 0x00c00000)
}

func TestUsersReturnToABetterPool(t *testing.T) {
	inUsers(t, "a b", func(f *farm) {
		l := f.join("ann", 1)
		wantLaneOn(t, l, "a")
		f.pools[0].do(func() { f.pools[0].refuse = true })
		f.pools[0].last().Close()
		f.after(10 * time.Second)
		wantLaneOn(t, l, "b")
		f.submitOn(l, l.Latest().Job, 1, 1)
		f.wantFate(1, 1, work.Accepted)
		f.pools[0].do(func() { f.pools[0].refuse = false })
		f.after(5 * time.Minute)
		wantLaneOn(t, l, "a")
	})
}

// What one user's goal knows of the backup, the others do not ask; they leave an
// ill pool for it all the same.
func TestUsersLeaveASilentPool(t *testing.T) {
	inUsers(t, "a b", func(f *farm) {
		var lanes []*Lane
		for i, login := range []string{"ann", "bob", "eve"} {
			lanes = append(lanes, f.join(login, uint16(i)))
		}
		equal(t, "probes of the backup", f.pools[1].dialled(), 1)
		f.after(f.directory.failover().Silence + 10*time.Second)
		for _, l := range lanes {
			wantLaneOn(t, l, "b")
		}
	})
}

// A user's goal is forgotten a minute after its last miner left, and its pools
// are not probed any more.
func TestUsersAreForgotten(t *testing.T) {
	inUsers(t, "a b", func(f *farm) {
		l := f.join("ann", 1)
		g := l.Goal()
		l.Leave(l.key)
		f.after(letGo - 5*time.Second)
		equal(t, "goal", f.login("ann"), g)
		f.join("ann", 1).Leave(l.key)
		f.after(letGo + 5*time.Second)
		equal(t, "routes", len(f.directory.routes), 0)
		equal(t, "links", f.pools[0].links(), 0)
		f.after(time.Minute) // probes look less often
		for _, p := range g.list() {
			equal(t, p.Name+" is watched", p.watched, false)
		}
		dials := f.pools[0].dialled() + f.pools[1].dialled()
		f.after(time.Hour)
		equal(t, "dials for nobody", f.pools[0].dialled()+f.pools[1].dialled(), dials)
		again := f.join("ann", 1)
		wantLaneOn(t, again, "a")
		equal(t, "another goal", again.Goal() != g, true)
	})
}

// Anybody can invent names. Those who never come to work cost nothing for long.
func TestInventedUsersAreBounded(t *testing.T) {
	inUsers(t, "a", func(f *farm) {
		worker := f.join("ann", 1)
		for i := range 10_000 {
			if f.login(fmt.Sprintf("invented%d", i)) == nil {
				t.Fatal("refused")
			}
			if i%100 == 99 {
				f.after(letGo)
			}
		}
		if n := len(f.directory.routes); n > 400 {
			t.Errorf("%d goals", n)
		}
		equal(t, "who works stays", f.login("ann"), worker.Goal())
		worker.Earn()
		for i := range maxUsers + 10 {
			f.login(fmt.Sprintf("at-once%d", i))
		}
		equal(t, "routes", len(f.directory.routes), 1+maxUsers/2)
		_, _, err := f.directory.LoginFrom(Caller{Login: "one-too-many", Address: honest})
		equal(t, "one too many", err, ErrTooManyUsers)
		equal(t, "who works", f.login("ann"), worker.Goal())
		f.after(strangerTime)
		_, _, err = f.directory.LoginFrom(Caller{Login: "one-too-many", Address: honest})
		equal(t, "a moment later", err, nil)
	})
}

// One address brings so many users that do not work, and one more for each that does;
// others may come all the while.
func TestNewUsersOfOneAddressAreBounded(t *testing.T) {
	inUsers(t, "a", func(f *farm) {
		users := 0
		bring := func(record bool) (l *Lane, err error) {
			users++
			login := fmt.Sprintf("user%d", users)
			g, _, err := f.directory.LoginFrom(Caller{Login: login, Address: stranger})
			if err == nil {
				l = g.Join(Member{Prefix: Prefix{Value: uint16(users), Len: 2}, Login: login, Address: stranger, Record: record})
			}
			return l, err
		}
		var lanes []*Lane
		for range usersEach {
			l, err := bring(false)
			equal(t, "one of many", err, nil)
			lanes = append(lanes, l)
		}
		_, err := bring(false)
		equal(t, "one too many", err, ErrManyOfYours)
		f.after(10 * strangerTime)
		_, err = bring(false)
		equal(t, "while all are there", err, ErrManyOfYours)
		_, _, err = f.directory.LoginFrom(Caller{Login: "other", Address: honest})
		equal(t, "of another address", err, nil)
		_, _, err = f.directory.LoginFrom(Caller{Login: "user1.another-rig", Address: stranger})
		equal(t, "a user who is there", err, nil)

		lanes[0].Earn() // its place, and what it earned
		for range 2 {
			_, err = bring(false)
			equal(t, "when one has worked", err, nil)
		}
		_, err = bring(false)
		equal(t, "and no more", err, ErrManyOfYours)
		lanes[usersEach-1].Leave(lanes[usersEach-1].key)
		f.after(strangerTime)
		_, err = bring(true)
		equal(t, "when one has left", err, nil)
		for range 2 {
			_, err = bring(false)
			equal(t, "when one with a record has come", err, nil)
		}
		_, err = bring(false)
		equal(t, "no more again", err, ErrManyOfYours)
	})
}

// Users that are gone count no more, whatever they were.
func TestUsersThatAreGoneDoNotCount(t *testing.T) {
	inUsers(t, "a", func(f *farm) {
		for i, login := range []string{"ann", "bob", "eve", "joe"} {
			l := f.joinFrom(honest, login, uint16(i))
			if i < 2 {
				l.Earn()
			}
			if i%2 == 0 {
				l.Leave(l.key)
			}
		}
		f.set("bob a robert", "joe a joe") // users no more
		f.after(newcomerTime)
		f.directory.mu.Lock()
		f.directory.sweepUsers(time.Now())
		f.directory.mu.Unlock()
		equal(t, "users", len(f.directory.routes), 0)
		equal(t, "counted", f.directory.users.strangers.all+len(f.directory.users.strangers.homes), 0)
	})
}

// A name that becomes an account's is a user's no more.
func TestUserBecomesAnAccount(t *testing.T) {
	inUsers(t, "a b", func(f *farm) {
		l := f.join("ann", 1)
		f.join("bob", 2)
		f.set("ann b anna")
		equal(t, "rerouted", len(f.rerouted), 1)
		equal(t, "rerouted", f.rerouted[0], l.Goal())
		moved := f.join("ann", 1)
		l.Leave(l.key)
		wantLaneOn(t, moved, "b")
		f.submitOn(moved, moved.Latest().Job, 1, 1)
		equal(t, "user", f.pools[1].users(), "anna")
		f.set()
		equal(t, "rerouted", len(f.rerouted), 2)
		wantLaneOn(t, f.join("ann", 1), "a")
	})
}

// Users of agent pools have their workers under names of their own.
func TestUsersAtAnAgentPool(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		f.others.Kind = Kind{PerUser: true}
		f.start()
		for i, login := range []string{"ann.rig1", "bob.rig1", "bob"} {
			f.login(login).Join(Member{Prefix: Prefix{Value: uint16(i), Len: 2}, Login: login})
			f.after(time.Second)
		}
		f.wantDid(a, "+0000 rig1, +0001 rig1, +0002 bob")
		equal(t, "links", a.links(), 2)
		wantPart(t, "authorized", a.every()[0].lines[3], `["ann",""]`)
		wantPart(t, "authorized", a.every()[1].lines[3], `["bob",""]`)
	})
}

func TestUserLoginAllocatesNothing(t *testing.T) {
	f := newFarm(t, "a")
	f.others.Kind = Kind{PerUser: true}
	f.open()
	f.login("ann.rig1")
	if n := testing.AllocsPerRun(100, func() { f.directory.Login("ann.rig1") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
