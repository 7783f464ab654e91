package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// crowd has users of an address take all places that it has for newcomers.
func (f *farm) crowd() {
	for i := range uint16(newcomersEach) {
		f.joinFrom(stranger, fmt.Sprintf("idle%d", i), i)
	}
	f.after(time.Second)
}

// Who waits for a link gets work that no pool gave, and with a share of it the link.
func TestTestWork(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		log := f.logged()
		f.others.Kind = Kind{PerUser: true}
		f.start()
		f.crowd()
		l, idle := f.joinFrom(stranger, "ann", 1000), f.joinFrom(stranger, "idle", 1001)
		post := l.Latest()
		job := post.Job
		equal(t, "said once, with the address", strings.Count(log.String(), "get test work"), 1)
		equal(t, "said once, with the address", log.Has("address=192.0.2.1/32"), true)
		equal(t, "it is told to the loops", f.posts[len(f.posts)-2].Job == job && post.Clean, true)
		equal(t, "no harder for miners than the pool's", post.Difficulty, l.goal.list()[0].book.Difficulty.Load())
		equal(t, "a share that the best miner finds goes up", work.Unmeetable >= job.DifficultyFor(0), false)
		equal(t, "another's is another", idle.Latest().Job.SameWork(job), false)
		equal(t, "layout", job.Layout, work.Layout{Lead: 2, Prefix: 2, Room: 4})
		f.after(30 * time.Second)
		equal(t, "links before", f.pools[0].links(), newcomersEach)

		l.Pass()
		f.after(time.Second)
		equal(t, "links after", f.pools[0].links(), newcomersEach+1)
		wantLaneOn(t, l, "a")
		post = l.Latest()
		equal(t, "its job is the pool's, at once", !IsTestWork(post.Job) && post.Clean, true)
		l.Pass() // a late one
		equal(t, "it is a newcomer", l.earned.Load(), false)
		l.Earn()
		equal(t, "until it has worked", l.earned.Load(), true)
		f.after(time.Second)
		equal(t, "the idle one waits, unless there is room", !IsTestWork(idle.Latest().Job), true) // by what ann has earned
	})
}

// A job's coinbase is one that any firmware can read.
func TestTestWorkIsACoinbase(t *testing.T) {
	inUsers(t, "a", func(f *farm) {
		f.crowd()
		job := f.joinFrom(stranger, "ann", 1000).Latest().Job
		size := len(job.Extranonce1) + job.Layout.Size()
		script := job.Coinb1[41:]
		equal(t, "the script's length", int(script[0]), 4+size)
		equal(t, "in coinb1 of it: three bytes of height", len(script) == 5 && script[1] == 3, true)
		equal(t, "after it: sequence, outputs, value, script, lock time", len(job.Coinb2), 4+1+8+1+int(job.Coinb2[13])+4)
	})
}

// Of an algorithm that can't be checked a share shows nothing.
func TestNoTestWorkThatCannotBeChecked(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Kind = Kind{PerUser: true}
		f.others.Pools[0].Algorithm = work.Algorithm{Name: "x11", Divider: 1}
		f.start()
		f.crowd()
		equal(t, "none", f.joinFrom(stranger, "ann", 1000).Latest().Job == nil, true)
	})
}

// An agent can't take another extranonce1: it connects again, and has its place then.
func TestAnAgentComesBackFromTestWork(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		agent := func(login string) (*Lane, uint32) {
			g := takeGroup(t, f)
			return f.goal.JoinGroup(g, stranger, login), g
		}
		for i := range 2 * newcomersEach {
			agent(fmt.Sprintf("idle%d", i))
		}
		f.after(time.Second)
		links := f.pools[0].links()
		l, g := agent("good")
		equal(t, "test work", IsTestWork(l.Latest().Job), true)
		l.Pass()
		f.after(time.Second)
		equal(t, "a link", f.pools[0].links(), links+1)
		l.LeaveGroup()
		f.directory.Prefixes().ReleaseGroup(g)
		again, _ := agent("good")
		equal(t, "no test again", again.Latest().Job == nil, true)
		f.after(time.Second)
		wantLaneOn(t, again, "a")
		third, _ := agent("good")
		equal(t, "once", IsTestWork(third.Latest().Job), true)
	})
}

// Names that are called out keep no user of that address from logging in.
func TestNamesGiveWayToUsers(t *testing.T) {
	inUsers(t, "a", func(f *farm) {
		call := func(login string) error {
			_, _, err := f.directory.LoginFrom(Caller{Login: login, Address: stranger})
			return err
		}
		g, _, _ := f.directory.LoginFrom(Caller{Login: "there", Address: stranger})
		there := g.Join(Member{Prefix: Prefix{Len: 2}, Login: "there", Address: stranger})
		for i := range usersEach - 1 {
			equal(t, "one of many", call(fmt.Sprintf("name%d", i)), nil)
		}
		equal(t, "in the same turn", call("ann"), ErrManyOfYours)
		f.after(crowdedTime)
		for i := range usersEach - 1 {
			equal(t, "a moment later", call(fmt.Sprintf("ann%d", i)), nil)
		}
		equal(t, "and so on", call("bob"), ErrManyOfYours)
		equal(t, "who is there stays", f.login("there"), there.Goal())
		f.after(crowdedTime)
		for i := range 5 * usersEach {
			f.after(2 * crowdedTime / usersEach)
			if err := call(fmt.Sprintf("bob%d", i)); err != nil {
				t.Fatalf("name %d: %v", i, err)
			}
		}
		if n := len(f.directory.users.strangers.homes[homeOf(stranger)].list); n > 2*usersEach {
			t.Errorf("%d in the list", n)
		}
	})
}

// Who has test work at an upgrade has the same afterwards, and its link with a share of it.
func TestTestWorkOverAHandOver(t *testing.T) {
	inHandOver(t, "a", func(f *farm) {
		f.others.Kind = Kind{PerUser: true}
		f.start()
		f.crowd()
		f.joined = f.joinFrom(stranger, "ann", 1000)
		job := f.joined.Latest().Job
		f.handOver(f.again)
		l := f.joined
		after := l.Latest().Job
		equal(t, "the same test work", IsTestWork(after) && after.ID == job.ID && after.SameWork(job), true)
		links := f.pools[0].links()
		l.Pass()
		f.after(time.Second)
		equal(t, "a link", f.pools[0].links(), links+1)
		wantLaneOn(t, l, "a")
	})
}
