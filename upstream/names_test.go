package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

func TestUpstreamName(t *testing.T) {
	for _, q := range []struct{ user, account, login, want string }{
		{"farm", "", "acct.rig1", "farm.rig1"},
		{"farm", "", "rig1", "farm.rig1"},
		{"farm", "", "farm", "farm"},
		{"farm", "", "acct.hall.rig1", "farm.hall.rig1"},
		{"farm", "", "acct.", "farm"},
		{"farm.sub", "", "farm.sub.rig1", "farm.sub.rig1"},
		{"farm.sub", "", "farm.sub", "farm.sub"},
		{"farm.sub", "", "acct.rig1", "farm.sub.rig1"},
		{"farm", "", "farmer", "farm.farmer"},
		{"farm", "", "acct..rig1", "farm.%2Erig1"},
		{"farm", "", "acct.rig1.", "farm.rig1%2E"},
		{"farm", "", "acct.hall...rig1", "farm.hall.%2E%2Erig1"},
		{"farm", "", "acct..", "farm.%2E"},
		{"farm", "", "acct.räg%C3%A41", "farm.räg%C3%A41"}, // already encoded text stays unchanged
		{"bob", "7804e4ad", "7804e4ad", "bob"},
		{"bob", "7804e4ad", "7804e4ad.rig1", "bob.rig1"},
		{"bob", "7804e4ad", "7804e4ad.hall.rig1", "bob.hall.rig1"},
		{"bob", "7804e4ad", "7804e4ad.", "bob"},
		{"bob", "ac.me", "ac.me", "bob"},
		{"bob", "ac.me", "ac.me.rig1", "bob.rig1"},
	} {
		equal(t, q.user+" and "+q.login, upstreamName(q.user, q.account, "", q.login), q.want)
	}
}

// submitAs submits a share of a worker for the latest job.
func (f *farm) submitAs(login string, nonce uint32) {
	f.t.Helper()
	s := share(f.latest().Job, nonce)
	s.Worker = f.book.Worker(login)
	if !f.lane().Submit(s) {
		f.t.Errorf("share %d was not taken", nonce)
	}
	f.after(time.Millisecond)
}

// users returns the names under which shares arrived.
func (p *scripted) users() string {
	var users []string
	for _, s := range p.shares() {
		users = append(users, s.User)
	}
	return strings.Join(users, " ")
}

func TestAggregate(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		f.submitAs("acct.rig1", 1)
		f.submitAs("acct.rig2", 2)
		equal(t, "users", f.pools[0].users(), "farm farm")
	})
}

func TestPassNames(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		f.start()
		a := f.pools[0]
		for i, login := range []string{"acct.rig1", "acct.rig2", "acct.rig1", "farm"} {
			f.submitAs(login, uint32(i+1))
		}
		f.wantFate(1, 4, work.Accepted)
		equal(t, "users", a.users(), "farm.rig1 farm.rig2 farm.rig1 farm")
		equal(t, "authorized", strings.Count(a.methods(), "mining.authorize"), 3)
		wantPart(t, "lines", strings.Join(a.last().lines, "\n"), `"method":"mining.authorize","params":["farm.rig1","x"]`)

		a.last().Close() // names are authorized again on the next link
		f.after(0)
		f.submitAs("acct.rig1", 5)
		f.wantFate(5, 5, work.Accepted)
		equal(t, "authorized", strings.Count(a.methods(), "mining.authorize"), 5)
	})
}

func TestRefusedNames(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		f.pools[0].badWorkers = true
		f.start()
		f.submitAs("acct.rig1", 1)
		f.submitAs("acct.rig2", 2)
		f.submitAs("acct.rig1", 3)
		f.wantFate(1, 3, work.Accepted)
		equal(t, "users", f.pools[0].users(), "farm farm farm")
		equal(t, "refused", f.goal.list()[0].book.NamesRefused.Load(), 2)
	})
}

func TestNameWithoutAnswer(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		f.pools[0].slowNames = true
		f.start()
		for n := uint32(1); n <= 3; n++ {
			f.submitAs("acct.rig1", n)
		}
		f.after(nameTimeout - time.Second)
		equal(t, "users", f.pools[0].users(), "")
		f.after(time.Second + tickServing)
		equal(t, "users", f.pools[0].users(), "farm farm farm")
		f.wantFate(1, 3, work.Accepted)
	})
}

func TestSharesThatWaitForANameSurviveTheLink(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		a := f.pools[0]
		a.slowNames = true
		f.start()
		f.submitAs("acct.rig1", 1)
		a.do(func() { a.slowNames = false })
		f.after(suspectTime) // so that it is not the name that it closes over
		a.last().Close()
		f.after(time.Second)
		f.wantFate(1, 1, work.Accepted)
		equal(t, "users", a.users(), "farm.rig1")
	})
}

func TestManyNames(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		f.start()
		for n := uint32(1); n <= 1000; n++ {
			s := share(f.latest().Job, n)
			s.Worker = f.book.Worker(fmt.Sprintf("acct.rig%d", n))
			f.lane().Submit(s)
		}
		f.after(time.Second)
		f.wantFate(1, 1000, work.Accepted)
		users := make(map[string]bool)
		for _, s := range f.pools[0].shares() {
			users[s.User] = true
		}
		equal(t, "users", len(users), 1000)
	})
}
