package config

import (
	"fmt"
	"slices"
	"strconv"
)

// RouteOf returns the route of a listener; nil if there is no [[route]]: then Pools serves
// its miners, in that order.
func (c *Config) RouteOf(l *Listener) *Route {
	for i := range c.Routes {
		if c.Routes[i].Name == l.Route {
			return &c.Routes[i]
		}
	}
	return nil
}

// Pool returns the pool of that name; nil: there is none.
func (c *Config) Pool(name string) *Pool {
	for i := range c.Pools {
		if c.Pools[i].Name == name {
			return &c.Pools[i]
		}
	}
	return nil
}

// Fractions returns the part of a route's work that each of its goals gets, by the weights
// alone; together they are 1, unless all weights are 0, which no route may have.
func (r *Route) Fractions() []float64 {
	sum := 0.0
	for i := range r.Goals {
		sum += r.Goals[i].Weight
	}
	fractions := make([]float64, len(r.Goals))
	for i := range r.Goals {
		if sum > 0 { // doctor asks for those of a broken file too
			fractions[i] = r.Goals[i].Weight / sum
		}
	}
	return fractions
}

// routes checks the routes, and the listeners' choice among them.
func (c *Config) routes(ps *Problems) {
	if n := len(c.Routes); n > MaxRoutes {
		ps.add("route", "", fmt.Sprintf("expected at most %d routes, found %d", MaxRoutes, n), "one route for several listeners")
	}
	if len(c.Routes) > 0 && c.Accounts.MultiUser {
		ps.add("accounts.multi_user", "true", "not with [[route]]: each account of the miners' logins has links of its own at the [[pool]] list, which is not divided", "removing the [[route]] tables, or multi_user = false")
	}
	taken := make(map[string]int)
	for i := range c.Routes {
		r, key := &c.Routes[i], fmt.Sprintf("route[%d]", i+1)
		unique(ps, key+".name", r.Name, taken, "route", i, `name = "hall-1"`)
		c.goals(ps, key, r)
	}
	for i := range c.Listeners {
		l, key := &c.Listeners[i], fmt.Sprintf("listener[%d].route", i+1)
		switch {
		case l.Route == "" || c.RouteOf(l) != nil:
		case len(c.Routes) == 0:
			ps.add(key, show(l.Route), "there is no [[route]]", `[[route]] with name = `+show(l.Route)+" and its [[route.goal]] tables, or removing the key")
		default:
			ps.add(key, show(l.Route), "no [[route]] has this name", suggested(l.Route, routeNames(c.Routes)))
		}
	}
}

// goals checks the goals of a route.
func (c *Config) goals(ps *Problems, key string, r *Route) {
	switch n := len(r.Goals); {
	case n == 0:
		ps.add(key+".goal", "", "required: at least one goal", `[[route.goal]] with name = "main" and pools = ["`+c.somePool()+`"] below it`)
	case n > MaxGoals:
		ps.add(key+".goal", "", fmt.Sprintf("expected at most %d goals, found %d", MaxGoals, n), "fewer goals, or several pools in one of them")
	}
	taken, sum := make(map[string]int), 0.0
	for i := range r.Goals {
		g, goal := &r.Goals[i], fmt.Sprintf("%s.goal[%d]", key, i+1)
		unique(ps, goal+".name", g.Name, taken, key+".goal", i, `name = "main"`)
		if g.Weight < 0 || g.Weight > maxWeight {
			ps.add(goal+".weight", show(g.Weight), fmt.Sprintf("expected 0 to %d: a goal's part of the work is its weight divided by the sum of all", maxWeight), "70 and 30, for 70 % and 30 %")
		}
		sum += g.Weight
		c.goalPools(ps, goal+".pools", g.Pools)
		g.schedule(ps, goal+".schedule")
	}
	if sum == 0 && len(r.Goals) > 0 {
		ps.add(key+".goal[1].weight", "0", "expected a goal with a weight above 0: with 0 a goal gets work only by an order, or when all others are down", "1")
	}
}

// goalPools checks the pools that a goal lists.
func (c *Config) goalPools(ps *Problems, key string, list []string) {
	if len(list) == 0 {
		ps.add(key, "", "required: the names of pools, in order of preference", `pools = ["`+c.somePool()+`"]`)
	}
	for i, name := range list {
		element := fmt.Sprintf("%s[%d]", key, i+1)
		switch {
		case slices.Index(list, name) < i:
			ps.add(element, show(name), "this goal already has this pool", "another pool, or removing this one")
		case c.Pool(name) == nil && len(c.Pools) > 0:
			ps.add(element, show(name), "no [[pool]] has this name; a pool without name is called as the host:port of its url", suggested(name, poolNames(c.Pools)))
		}
	}
}

// somePool returns the name of a pool, for an example.
func (c *Config) somePool() string {
	if len(c.Pools) > 0 && c.Pools[0].Name != "" {
		return c.Pools[0].Name
	}
	return "pool.example:3333"
}

// unique checks a name in a list of tables whose names differ; i is its place there.
func unique(ps *Problems, key, name string, taken map[string]int, list string, i int, example string) {
	if name == "" {
		ps.add(key, "", "required: the API, metrics and the log call it by its name", example)
		return
	}
	plain(ps, key, name)
	if other, is := taken[name]; is {
		ps.add(key, show(name), fmt.Sprintf("expected a unique name; %s[%d] has this one", list, other), show(fmt.Sprintf("%s-%d", name, i+1)))
		return
	}
	taken[name] = i + 1
}

// suggested returns what to write for a name that is none of those: the nearest, or all.
func suggested(name string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	if near := nearest(name, names); near != "" {
		return strconv.Quote(near)
	}
	var quoted []string
	for _, n := range names {
		if q := strconv.Quote(n); !slices.Contains(quoted, q) { // one that is there twice is a problem of its own
			quoted = append(quoted, q)
		}
	}
	return oneOfThese(quoted)
}

func routeNames(list []Route) (names []string) {
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names
}

func poolNames(list []Pool) (names []string) {
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names
}

// routeWarnings are about pools and routes that nobody is led to.
func (c *Config) routeWarnings(ps *Problems) {
	if len(c.Routes) == 0 {
		return
	}
	for i := range c.Pools {
		name := c.Pools[i].Name
		if !slices.ContainsFunc(c.Routes, func(r Route) bool { return r.leads(name) }) {
			ps.add(fmt.Sprintf("pool[%d]", i+1), "", "no [[route.goal]] lists this pool, so no miner works for it", fmt.Sprintf("%q in the pools of a goal, or removing the pool", name))
		}
	}
	for i := range c.Routes {
		name := c.Routes[i].Name
		if !slices.ContainsFunc(c.Listeners, func(l Listener) bool { return l.Route == name }) {
			ps.add(fmt.Sprintf("route[%d]", i+1), "", "no [[listener]] has this route, so no miner is on it", fmt.Sprintf("route = %q in a [[listener]], or removing the route", name))
		}
	}
}

// leads reports whether a goal of the route lists a pool.
func (r *Route) leads(pool string) bool {
	return slices.ContainsFunc(r.Goals, func(g Goal) bool { return slices.Contains(g.Pools, pool) })
}
