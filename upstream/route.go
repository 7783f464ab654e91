package upstream

import (
	"net/netip"
	"slices"
	"sync/atomic"
)

// RouteID tells routes apart.
type RouteID struct {
	Account string // the account, or the user; "": everybody whose login is no account's
	Route   string // of those that are no account's: the name that listeners know it by
}

// Route is whom a login belongs to: an account, a user, or everybody of a listener whose
// login is no account's. Its miners are divided among its goals. Its methods may be called
// from any goroutine.
type Route struct {
	Kind
	directory *Directory
	serves    atomic.Pointer[Entry]    // changes with Directory.mu
	goals     atomic.Pointer[[]*Goal]  // in the order of the entry; changes with Directory.mu
	steering  atomic.Pointer[steering] // nil: nobody has looked yet
	from      netip.Prefix             // the address that brought the user
	stranger  atomic.Bool              // a user none of whose workers has earned anything
	called    atomic.Int64             // when it was last logged in to, since Directory.born; of users' routes
}

// newRoute returns a route for an entry, or one user of it. The caller has Directory.mu,
// or is alone.
func (d *Directory) newRoute(e Entry) *Route {
	r := &Route{Kind: e.Kind, directory: d}
	r.goals.Store(new([]*Goal))
	r.lead(e)
	return r
}

// lead has the route divide its miners as an entry says from now on. It returns the goals
// that go on with other pools, those that are new, and those that are over: their miners
// have to go to others. The caller has Directory.mu, or is alone.
func (r *Route) lead(e Entry) (led, begun, over []*Goal) {
	list := r.list()
	was := make([]GoalEntry, len(list))
	for i, g := range list {
		was[i] = *g.serves.Load()
	}
	goals := make([]*Goal, len(e.Goals))
	for i, from := range Origins(was, e.Goals) {
		if from < 0 {
			continue
		}
		goals[i] = list[from]
		if list[from].lead(e.Goals[i]) {
			led = append(led, list[from])
		}
	}
	over = slices.DeleteFunc(slices.Clone(list), func(g *Goal) bool { return slices.Contains(goals, g) })
	r.serves.Store(&e)
	for i := range goals {
		if goals[i] == nil {
			goals[i] = r.newGoal(e.Goals[i])
			begun = append(begun, goals[i])
		}
	}
	r.goals.Store(&goals)
	return led, begun, over
}

// Origins says, for each goal of a route that is to have others, which one of those that it
// has goes on as it: its index, or -1 if none does and it is new. Miners of a goal that goes on
// as none have to go to others.
func Origins(was, is []GoalEntry) []int {
	from := slices.Repeat([]int{-1}, len(is))
	take := func(i int, may func(g *GoalEntry) bool) {
		for at := range was {
			if from[i] < 0 && !slices.Contains(from, at) && may(&was[at]) && was[at].goesOn(&is[i]) {
				from[i] = at
			}
		}
	}
	for i := range is {
		take(i, func(g *GoalEntry) bool { return g.Name == is[i].Name })
	}
	for i := range is { // called something else now: its miners need not move
		take(i, func(*GoalEntry) bool { return true })
	}
	return from
}

// list returns the route's goals.
func (r *Route) list() []*Goal { return *r.goals.Load() }

// ID returns what tells the route from all others.
func (r *Route) ID() RouteID {
	e := r.serves.Load()
	return RouteID{e.Name, e.Route}
}

// Goals returns the route's goals, in the order of the table. The slice is not to be
// changed.
func (r *Route) Goals() []*Goal { return r.list() }

// Split reports whether the route has several goals.
func (r *Route) Split() bool { return len(r.list()) > 1 }

// Goal returns the goal of that name; nil: there is none.
func (r *Route) Goal(name string) *Goal {
	for _, g := range r.list() {
		if g.Name() == name {
			return g
		}
	}
	return nil
}

// has reports that a goal is one of the route's, and was not taken out of it.
func (r *Route) has(g *Goal) bool { return slices.Contains(r.list(), g) }

// Beside reports whether another goal is one of the same route, now.
func (g *Goal) Beside(other *Goal) bool {
	return other != nil && other.route == g.route && g.route.has(other)
}

// hasMiners reports that a miner works at one of the goals.
func (r *Route) hasMiners() bool { return slices.ContainsFunc(r.list(), (*Goal).hasMiners) }

// Routes returns the routes that are split and in use, by account and name.
func (d *Directory) Routes() (list []*Route) {
	for _, r := range d.routesInOrder() {
		if r.Split() {
			list = append(list, r)
		}
	}
	return list
}
