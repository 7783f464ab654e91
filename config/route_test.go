package config

import (
	"slices"
	"strings"
	"testing"
)

// twoRoutes is what the tests of routes begin with.
const twoRoutes = `
[[listener]]
address = "0.0.0.0:3333"
[[listener]]
address = "0.0.0.0:3334"
route = "hall-2"
[[pool]]
name = "a"
url = "stratum+tcp://a.example:3333"
user = "farm"
[[pool]]
name = "b"
url = "stratum+tcp://b.example:3333"
user = "farm"
[[pool]]
url = "stratum+tcp://c.example:3333"
user = "farm"
[[route]]
name = "hall-1"
[[route.goal]]
name = "main"
weight = 70
pools = ["a", "b"]
[[route.goal]]
name = "second"
weight = 30
pools = ["b"]
[[route]]
name = "hall-2"
[[route.goal]]
name = "main"
pools = ["c.example:3333"]
`

func TestRoutes(t *testing.T) {
	c := mustParse(t, twoRoutes)
	for i, want := range []string{"hall-1", "hall-2"} {
		if l := &c.Listeners[i]; l.Route != want || c.RouteOf(l).Name != want {
			t.Errorf("listener[%d] has the route %q, want %q", i+1, l.Route, want)
		}
	}
	if got := c.Routes[0].Fractions(); !slices.Equal(got, []float64{0.7, 0.3}) {
		t.Errorf("fractions %v", got)
	}
	if got := c.Routes[1].Goals[0]; got.Weight != 1 || c.Pool(got.Pools[0]) != &c.Pools[2] {
		t.Errorf("%+v", got)
	}
	if c := mustParse(t, twoPools); c.Listeners[0].Route != "" || c.RouteOf(&c.Listeners[0]) != nil {
		t.Errorf("%+v, and there is no route", c.Listeners[0])
	}
}

// Each case replaces a text in the file by another one, and says which key then has which
// problem; "": none.
func TestRouteKeys(t *testing.T) {
	f := func(old, new, key, want string) {
		t.Helper()
		if !strings.Contains(twoRoutes, old) {
			t.Fatalf("%q is not in the file", old)
		}
		wantProblem(t, strings.Replace(twoRoutes, old, new, 1), key, want)
	}
	f(`route = "hall-2"`, `route = "hall-1"`, "listener[2].route", "")
	f(`route = "hall-2"`, `route = ""`, "listener[2].route", "")
	f(`route = "hall-2"`, `route = "hal-2"`, "listener[2].route", `no [[route]] has this name; try "hall-2"`)
	f(`route = "hall-2"`, `route = "container"`, "listener[2].route", `no [[route]] has this name; try "hall-1" or "hall-2"`)
	f(`name = "hall-1"`, "", "route[1].name", `required: the API, metrics and the log call it by its name; try name = "hall-1"`)
	f(`name = "hall-1"`, `name = "hall-2"`, "route[2].name", `expected a unique name; route[1] has this one; try "hall-2-2"`)
	f(`name = "hall-1"`, `name = "it's"`, "route[1].name", "expected text without control characters")
	f(`name = "second"`, `name = "main"`, "route[1].goal[2].name", `expected a unique name; route[1].goal[1] has this one; try "main-2"`)
	f(`name = "second"`, "", "route[1].goal[2].name", `required: the API, metrics and the log call it by its name; try name = "main"`)
	f("weight = 30", "weight = 0", "route[1].goal[2].weight", "")
	f("weight = 30", "weight = 0.5", "route[1].goal[2].weight", "")
	f("weight = 30", "weight = -1", "route[1].goal[2].weight", "expected 0 to 1000000: a goal's part of the work is its weight divided by the sum of all; try 70 and 30, for 70 % and 30 %")
	f("weight = 30", "weight = 1e7", "route[1].goal[2].weight", "expected 0 to 1000000")
	f("weight = 30", "weight = '30'", "route[1].goal[2].weight", "expected a number, without quotes")
	f("weight = 30", "weight = inf", "route[1].goal[2].weight", "= +inf: expected a finite number")
	f("weight = 30", "weight = nan", "route[1].goal[2].weight", "= nan: expected a finite number")
	f(`pools = ["c.example:3333"]`, "weight = 0\npools = ['a']", "route[2].goal[1].weight", "expected a goal with a weight above 0")
	f(`pools = ["b"]`, `pools = ["b", "a"]`, "route[1].goal[2].pools", "")
	f(`pools = ["b"]`, "", "route[1].goal[2].pools", `required: the names of pools, in order of preference; try pools = ["a"]`)
	f(`pools = ["b"]`, `pools = "b"`, "route[1].goal[2].pools", "expected a list of strings, this is a string; try brackets around it")
	f(`pools = ["b"]`, `pools = ["b", "a", "b"]`, "route[1].goal[2].pools[3]", "this goal already has this pool")
	f(`pools = ["b"]`, `pools = ["b", "c.exmple:3333"]`, "route[1].goal[2].pools[2]", `no [[pool]] has this name; a pool without name is called as the host:port of its url; try "c.example:3333"`)
	f(`pools = ["b"]`, `pools = ["other"]`, "route[1].goal[2].pools[1]", `line 27: route[1].goal[2].pools[1] = "other": no [[pool]] has this name; a pool without name is called as the host:port of its url; try "a", "b" or "c.example:3333"`)
	f(`pools = ["b"]`, `targets = ["b"]`, "route[1].goal[2].targets", "no such key in route[1].goal[2], only name, weight, pools")
	f(`route = "hall-2"`, "weight = 3", "listener[2].weight", "no such key in listener[2]; try it under [[route.goal]]")
	f(twoRoutes[strings.LastIndex(twoRoutes, "[[route.goal]]"):], "", "route[2].goal", `required: at least one goal; try [[route.goal]] with name = "main" and pools = ["a"] below it`)
	f("[[route.goal]]", "[route.goal]", "route[1].goal", "")
	wantProblem(t, twoRoutes+"[accounts]\nmulti_user = true", "accounts.multi_user", "not with [[route]]")
	wantProblem(t, strings.Replace(twoPools, "[[pool]]", "route = 'hall-1'\n[[pool]]", 1), "listener[2].route", "there is no [[route]]")
	wantProblem(t, twoRoutes+strings.Repeat("[[route.goal]]\nname = 'x'\npools = ['a']\n", MaxGoals), "route[2].goal", "expected at most 64 goals, found 65")
	wantProblem(t, smallest+strings.Repeat(oneRoute, MaxRoutes+1), "route", "expected at most 64 routes, found 65")
}

// What leads nobody anywhere is probably unintended.
func TestWarningsAboutRoutes(t *testing.T) {
	f := func(old, new, want string) {
		t.Helper()
		_, problems := FileOf("", []byte(strings.Replace(twoRoutes, old, new, 1))).Check()
		errs, warnings := problems.Split()
		if len(errs) > 0 || warnings.Error() != want {
			t.Errorf("%q to %q: %v\ngot  %v\nwant %s", old, new, errs, warnings, want)
		}
	}
	f("", "", "")
	f(`pools = ["c.example:3333"]`, `pools = ["a"]`, `line 15: warning: pool[3]: no [[route.goal]] lists this pool, so no miner works for it; try "c.example:3333" in the pools of a goal, or removing the pool`)
	f(`route = "hall-2"`, ``, `line 28: warning: route[2]: no [[listener]] has this route, so no miner is on it; try route = "hall-2" in a [[listener]], or removing the route`)
}

// A goal belongs to the route above it, and so do its line and its changes.
func TestRoutesAreNested(t *testing.T) {
	lines := keyLines(twoRoutes)
	for key, want := range map[string]int{
		"route[1]": 18, "route[1].goal": 20, "route[1].goal[1].pools": 23, "route[1].goal[2].name": 25,
		"route[2].name": 29, "route[2].goal": 30, "route[2].goal[1]": 30, "route[2].goal[2]": 0, "route.goal": 0,
	} {
		if lines[key] != want {
			t.Errorf("%s: line %d, want %d", key, lines[key], want)
		}
	}
	f := func(old, new string, want ...string) {
		t.Helper()
		var got []string
		for _, c := range Changes(mustParse(t, twoRoutes), mustParse(t, strings.Replace(twoRoutes, old, new, 1))) {
			got = append(got, c.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q to %q:\ngot  %q\nwant %q", old, new, got, want)
		}
	}
	const second = "[[route.goal]]\nname = \"second\"\nweight = 30\npools = [\"b\"]\n"
	f("", "")
	f("weight = 30", "weight = 50", "set route hall-1, goal second: weight from 30 to 50")
	f(`pools = ["b"]`, `pools = ["b", "a"]`, `set route hall-1, goal second: pools from ["b"] to ["b", "a"]`)
	f(second, "", "remove route hall-1, goal second")
	f(second, second+strings.ReplaceAll(second, "second", "third"), "add route hall-1, goal third")
	f(`route = "hall-2"`, `route = "hall-1"`, `set listener 0.0.0.0:3334: route from "hall-2" to "hall-1"`)
	f(`name = "hall-1"`, `name = "hall-0"`, `set listener 0.0.0.0:3333: route from "hall-1" to "hall-0"`, "remove route hall-1", "add route hall-0")
}
