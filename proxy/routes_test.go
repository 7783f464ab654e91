package proxy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"farmproxy/bench/fleet"
	benchpool "farmproxy/bench/pool"
	"farmproxy/store"
	"farmproxy/upstream"
)

// twoPorts is what the files of these tests begin with: two listeners, and HTTP.
const twoPorts = "[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"127.0.0.2:0\"\nroute = \"hall-2\"\n[http]\naddress = \"127.0.0.1:0\"\n"

// namedPools is poolsText with names: a, b, c.
func namedPools(pools ...*benchpool.Pool) (text string) {
	for i, p := range pools {
		text += poolsText("farm", p) + fmt.Sprintf("name = %q\n", string(rune('a'+i)))
	}
	return text
}

// routeText is a file's route; each goal is "name weight: pool, pool".
func routeText(name string, goals ...string) string {
	text := fmt.Sprintf("[[route]]\nname = %q\n", name)
	for _, g := range goals {
		head, pools, _ := strings.Cut(g, ": ")
		goal, weight, _ := strings.Cut(head, " ")
		text += fmt.Sprintf("[[route.goal]]\nname = %q\nweight = %s\npools = [\"%s\"]\n", goal, weight, strings.ReplaceAll(pools, ", ", `", "`))
	}
	return text
}

// wantUndisturbed fails if a miner was disconnected, or shares were refused, except for
// those that were on their way when their miner changed its route.
func wantUndisturbed(t *testing.T, what string, f *fleet.Fleet, changedRoute bool) {
	t.Helper()
	b := f.Books().Total()
	stale := 0
	if changedRoute {
		stale = b.Reasons["21 Stale share"]
	}
	if b.Disconnects > 0 || b.Refused > stale || b.Garbage > 0 {
		t.Errorf("%s: %d miners were disconnected, %d shares refused: %v; %s", what, b.Disconnects, b.Refused, b.Reasons, f.Books().LastTrouble())
	}
}

// Each port has its route, and a reload gives its miners another one on their connections.
func TestAPortHasItsRoute(t *testing.T) {
	t.Parallel()
	one, two, three := startPool(t, nil), startPool(t, nil), startPool(t, nil)
	pools := namedPools(one, two, three)
	hall1, hall2 := routeText("hall-1", "all 1: a, b"), routeText("hall-2", "all 1: b")
	f := startFile(t, twoPorts+pools+hall1+hall2)
	eventually(t, "each goal has a link", func() bool { return f.book.Status().LinksUp == 2 })
	first, second := startFleet(t, f.server.Addresses()[0], "one", 10), startFleet(t, f.server.Addresses()[1], "two", 10)
	work := func(what string, a, b, c bool) {
		t.Helper()
		before := []int{one.Books().Total().Accepted, two.Books().Total().Accepted, three.Books().Total().Accepted}
		for i, p := range []*benchpool.Pool{one, two, three} {
			if wanted := []bool{a, b, c}[i]; wanted {
				eventually(t, what, func() bool { return p.Books().Total().Accepted > before[i]+30 })
			}
		}
	}
	work("each port's shares are at its pool", true, true, false)
	if three.Books().Total().Accepted > 0 {
		t.Error("a pool that no goal lists has shares")
	}
	if changes, want := f.again(strings.Replace(twoPorts, "hall-2", "hall-1", 1)+pools+hall1+hall2), `set listener 127.0.0.2:0: route from "hall-2" to "hall-1"`; changes != want {
		t.Errorf("changes %q, want %q", changes, want)
	}
	eventually(t, "the second port's miners are on the first route", func() bool { return members(t, f.directory, "farm.rig", "hall-1") == "all 20" })
	work("both ports at one pool", true, false, false)
	f.again(twoPorts + pools + hall1 + routeText("hall-2", "all 1: c"))
	eventually(t, "the second port's miners are on their route again", func() bool { return members(t, f.directory, "farm.rig", "hall-2") == "all 10" })
	work("the second port's goal has another pool", true, false, true)
	wantUndisturbed(t, "the first port", first, false)
	wantUndisturbed(t, "the second port", second, true)
	if f.opened() != 20 {
		t.Errorf("%d connections", f.opened())
	}
}

// members are how many miners each goal has of the route that a login belongs to, at a
// listener with a route.
func members(t *testing.T, d *upstream.Directory, login, route string) string {
	t.Helper()
	g, _, err := d.LoginFrom(upstream.Caller{Login: login, Route: route})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, g := range g.Route().Goals() {
		said = append(said, fmt.Sprint(g.Name(), " ", g.Members()))
	}
	return strings.Join(said, ", ")
}

// Newcomers are divided by the weights, and a goal that is gone leaves its miners to the
// others.
func TestNewcomersAreDividedByWeights(t *testing.T) {
	t.Parallel()
	one, two, three := startPool(t, nil), startPool(t, nil), startPool(t, nil)
	pools := namedPools(one, two, three)
	f := startFile(t, ports+pools+routeText("hall-1", "main 3: a", "second 1: b", "never 0: c"))
	eventually(t, "each goal has a link", func() bool { return f.book.Status().LinksUp == 3 })
	var miners []*miner
	for i := range 8 {
		m := connect(t, f.server.Addresses()[0])
		m.work(fmt.Sprint("farm.rig", i))
		miners = append(miners, m)
	}
	if got, want := members(t, f.directory, "farm.rig", "hall-1"), "main 6, second 2, never 0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if changes, want := f.again(ports+pools+routeText("hall-1", "second 1: b", "never 0: c")), "remove route hall-1, goal main"; changes != want {
		t.Errorf("changes %q, want %q", changes, want)
	}
	eventually(t, "the miners of the goal that is gone are at the other", func() bool { return members(t, f.directory, "farm.rig", "hall-1") == "second 8, never 0" })
	for _, m := range miners {
		m.wantAlive()
	}
	if f.opened() != 8 {
		t.Errorf("%d connections", f.opened())
	}
}

// The [[pool]] list becomes a route, is split and is whole again: all on the same
// connections.
func TestRoutesComeAndGo(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	pools := ports + namedPools(one, two)
	f := startFile(t, pools)
	eventually(t, "there is a link", func() bool { return f.book.Status().LinksUp == 1 })
	miners := startFleet(t, f.server.Addresses()[0], "farm", 10)
	for _, step := range []struct{ routes, members string }{
		{"", " 10"},
		{routeText("hall", "all 1: a, b"), "all 10"},
		{routeText("hall", "all 1: a, b", "second 0: b"), "all 10, second 0"},
		{routeText("hall", "second 1: b"), "second 10"},
		{routeText("other", "all 1: a"), "all 10"},
		{"", " 10"},
	} {
		f.again(pools + step.routes)
		eventually(t, "the miners are where they belong: "+step.members, func() bool { return members(t, f.directory, "farm.rig", "") == step.members })
		before := one.Books().Total().Accepted + two.Books().Total().Accepted
		eventually(t, "they work: "+step.members, func() bool { return one.Books().Total().Accepted+two.Books().Total().Accepted > before+30 })
	}
	wantUndisturbed(t, "the miners", miners, true)
	if f.opened() != 10 {
		t.Errorf("%d connections", f.opened())
	}
}

// An account's work is divided among its goals, each with its own credentials, and given
// back to its own pool.
func TestAnAccountIsDivided(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	p, address := startProxy(t, withStore(t), nil)
	name := p.register(t, one, "alice", store.PoolOptions{})
	if err := p.store.AddPool(context.Background(), store.Pool{Address: two.Addr(), Algorithm: "sha256d"}); err != nil {
		t.Fatal(err)
	}
	set := func(goals ...store.Goal) {
		t.Helper()
		if err := p.store.SetGoals(context.Background(), name, goals, nil); err != nil {
			t.Fatal(err)
		}
	}
	f := startFleet(t, address, name, 8)
	eventually(t, "all is at the account's pool", func() bool { return one.Books().Total().Accepted > 30 })
	set(store.Goal{Name: "own", Weight: 1, Pools: []store.GoalPool{{Pool: one.Addr()}}},
		store.Goal{Name: "other", Weight: 1, Pools: []store.GoalPool{{Pool: two.Addr(), User: "alice2", Password: store.NewSecret("x")}}})
	urls := p.tables.known().URLs()
	if url := "stratum+tcp://" + two.Addr(); !slices.Contains(urls, url) {
		t.Errorf("%s is a pool of a goal, and not in %q", url, urls)
	}
	late := startFleet(t, address, name, 8)
	eventually(t, "the other pool has shares", func() bool { return two.Books().Total().Accepted > 30 })
	for user := range two.Books().Users() {
		if user != "alice2" {
			t.Errorf("the other pool has shares of %s", user)
		}
	}
	set()
	eventually(t, "all are at the account's pool again", func() bool { return members(t, p.directory, name, "") == " 16" })
	wantUndisturbed(t, "those that came late", late, true)
	wantUndisturbed(t, "the account", f, true)
}
