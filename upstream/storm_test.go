package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

var (
	stranger = netip.MustParseAddr("192.0.2.1")
	honest   = netip.MustParseAddr("192.0.2.2")
)

// joinFrom joins a user from an address.
func (f *farm) joinFrom(from netip.Addr, login string, value uint16) *Lane {
	f.t.Helper()
	return f.login(login).Join(Member{Prefix: Prefix{Value: value, Len: 2}, Login: login, Address: from})
}

// One address invents users: it has some links until one of them works, and all
// others are served.
func TestAStormOfUsers(t *testing.T) {
	inUsers(t, "a", func(f *farm) {
		var storm []*Lane
		for i := range uint16(3 * newcomersEach) {
			storm = append(storm, f.joinFrom(stranger, fmt.Sprintf("user%d", i), i))
		}
		f.after(time.Minute)
		equal(t, "links of the storm", f.pools[0].links(), newcomersEach)
		good := f.joinFrom(honest, "good", 1000)
		f.after(time.Second)
		wantLaneOn(t, good, "a")
		known := f.login("known").Join(Member{Prefix: Prefix{Value: 1001, Len: 2}, Login: "known", Address: stranger, Record: true})
		f.after(time.Second)
		wantLaneOn(t, known, "a")
		before := f.pools[0].links()
		for _, l := range storm {
			if l.Latest().Job != nil {
				l.Earn()
				l.Earn()
				break
			}
		}
		f.after(2 * time.Second)
		equal(t, "links when one of them has worked", f.pools[0].links(), before+1+1) // its place, and what it earned
		good.Earn()
		f.after(newcomerTime)
		if len(f.dismissed) == 0 {
			t.Error("no newcomer has given way to its neighbours")
		}
		for _, l := range f.dismissed {
			if l == good || l == known || l.earned.Load() {
				t.Error("one that works has given way")
			}
		}
	})
}

// A lane that has to give way ends, and its link with it.
func TestADismissedLaneEnds(t *testing.T) {
	inUsers(t, "a", func(f *farm) {
		l := f.joinFrom(stranger, "ann", 1)
		f.after(time.Second)
		wantLaneOn(t, l, "a")
		l.dismiss()
		f.after(time.Second)
		equal(t, "links", f.pools[0].links(), 0)
		equal(t, "its miners are to be closed", len(f.dismissed) == 1 && f.dismissed[0] == l, true)
		l.Leave(l.key)
		again := f.joinFrom(stranger, "ann", 2)
		f.after(time.Second)
		equal(t, "another lane", again != l, true)
		wantLaneOn(t, again, "a")
		equal(t, "places", f.directory.onDemand.taken(), 1)
	})
}

// Groups of prefixes open lanes for those that come, as far as they work, and give
// them back when nobody is left; the first one's stay.
func TestLanesOfFurtherGroupsAreGivenBack(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].size = 3
		f.start()
		const groups = 20
		var lanes []*Lane
		var taken []Prefix
		for range groups * 256 {
			p := take(t, f, 1)
			taken = append(taken, p)
			lanes = append(lanes, f.goal.Join(Member{Prefix: p, Address: stranger}))
		}
		f.after(time.Minute)
		equal(t, "links of those that do nothing", f.pools[0].links(), 1+groupsEach)
		linked := slices.DeleteFunc(slices.Clone(lanes), func(l *Lane) bool { return l.Latest().Job == nil || IsTestWork(l.Latest().Job) })
		for _, l := range linked {
			l.Earn()
		}
		f.after(time.Minute)
		equal(t, "links when these work", f.pools[0].links(), 1+3*groupsEach)
		for i, l := range lanes {
			l.LeaveUnused(taken[i])
			f.directory.Prefixes().Release(taken[i], nil)
		}
		f.after(letGo + 5*time.Second)
		equal(t, "links when all have gone", f.pools[0].links(), 1)
		equal(t, "places", f.directory.groups.taken(), 0)
	})
}

// Users that are invented, and come and go, are forgotten in a moment, and run nothing.
func TestUsersThatComeAndGoAreForgotten(t *testing.T) {
	inUsers(t, "a b", func(f *farm) {
		for i := range 4 * usersEach {
			login := fmt.Sprintf("invented%d", i)
			g, _, err := f.directory.LoginFrom(Caller{Login: login, Address: stranger})
			if err != nil {
				t.Fatalf("%s: %v", login, err)
			}
			l := g.Join(Member{Prefix: Prefix{Value: 1, Len: 2}, Login: login, Address: stranger})
			l.LeaveUnused(Prefix{Value: 1, Len: 2})
			f.after(4 * time.Millisecond)
		}
		equal(t, "links that were opened", f.pools[0].dialled(), newcomersEach)
		equal(t, "users, a moment's, are few", len(f.directory.routes) < usersEach, true)
	})
}

// What waits for a place runs nothing, and its pools are not watched; it is let in when
// there is one.
func TestALaneThatWaitsRunsNothing(t *testing.T) {
	inUsers(t, "a b", func(f *farm) {
		for i := range uint16(newcomersEach) {
			f.joinFrom(stranger, fmt.Sprintf("user%d", i), i)
		}
		f.after(time.Second)
		l := f.joinFrom(stranger, "waits", 1000)
		f.after(time.Minute)
		l.goal.relook()
		f.after(time.Second)
		equal(t, "runs", l.running, false)
		watched := func() (n int) {
			for _, p := range l.goal.list() {
				if p.watched {
					n++
				}
			}
			return n
		}
		equal(t, "pools that are watched", watched(), 0)
		_, none := l.without()
		equal(t, "it has no link", none, true)
		last := f.joinFrom(stranger, "last", 1001)
		f.joinFrom(stranger, "user0", 0).Earn() // its place, and what it earned
		f.after(seatPause / 4)
		wantLaneOn(t, l, "a")
		wantLaneOn(t, last, "a")
		equal(t, "pools that are watched", watched(), 2)
	})
}

// Agents end with their connection, and each opens a link: one address opens no more of
// them by going and coming again than by staying. One whose miners work is back at once.
func TestAgentsThatComeAndGo(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].size = 12
		f.start()
		before := f.pools[0].dialled()
		connect := func(from netip.Addr, login string) (l *Lane, leave func()) {
			group, _ := f.directory.Prefixes().TakeGroup(from)
			l = f.goal.JoinGroup(group, from, login)
			f.after(time.Second)
			return l, func() {
				l.LeaveGroup()
				f.directory.Prefixes().ReleaseGroup(group)
			}
		}
		good, leave := connect(stranger, "good")
		wantLaneOn(t, good, "a")
		good.Earn()
		for i := range 3 * newcomersEach / 2 {
			_, leave := connect(stranger, fmt.Sprint("ghost", i))
			leave()
		}
		equal(t, "links", f.pools[0].dialled()-before, 1+1+newcomersEach)
		leave()
		good, _ = connect(stranger, "good")
		wantLaneOn(t, good, "a")
		other, _ := connect(honest, "other")
		wantLaneOn(t, other, "a")
		last, _ := connect(stranger, "ghost")
		wantLaneOn(t, last, "none")
		f.after(newcomerTime)
		wantLaneOn(t, last, "a")
	})
}

// The same of miners with a lane each; a worker with a record waits for nobody, but is
// one at a time.
func TestDirectMinersThatComeAndGo(t *testing.T) {
	inDirect(t, func(f *farm, g *Goal) {
		value := uint16(0)
		join := func(login string, record bool) *Lane {
			value++
			return g.Join(Member{Prefix: Prefix{Value: value, Len: 2}, Login: login, Address: stranger, Record: record})
		}
		for range newcomersEach {
			l := join("bob.new", false)
			l.Leave(l.key)
		}
		waits := join("bob.new", false)
		f.after(letGo + 10*time.Second) // their lanes have ended
		equal(t, "links", f.pools[0].links(), 0)
		equal(t, "dials", f.pools[0].dialled(), newcomersEach)
		wantLaneOn(t, waits, "none")
		known, twice, other := join("bob.known", true), join("bob.known", true), join("bob.other", true)
		f.after(time.Second)
		wantLaneOn(t, known, "a")
		wantLaneOn(t, other, "a")
		wantLaneOn(t, waits, "a") // for each of the two a newcomer is let in
		wantLaneOn(t, twice, "a")
		again := join("bob.known", true)
		f.after(time.Second)
		wantLaneOn(t, again, "none")
		f.after(newcomerTime)
		wantLaneOn(t, again, "a")
	})
}
