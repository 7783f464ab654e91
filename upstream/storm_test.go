package upstream

import (
	"fmt"
	"net/netip"
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
			lanes = append(lanes, f.route.Join(Member{Prefix: p, Address: stranger}))
		}
		f.after(time.Minute)
		equal(t, "links of those that do nothing", f.pools[0].links(), 1+groupsEach)
		for _, l := range lanes {
			if l.Latest().Job != nil {
				l.Earn()
			}
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
