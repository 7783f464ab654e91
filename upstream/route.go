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
	over = slices.Clone(r.list())
	goals := make([]*Goal, len(e.Goals))
	take := func(i int, may func(g *Goal) bool) {
		next := &e.Goals[i]
		at := slices.IndexFunc(over, func(g *Goal) bool { return may(g) && g.serves.Load().goesOn(next) })
		if goals[i] != nil || at < 0 {
			return
		}
		g := over[at]
		goals[i], over = g, slices.Delete(over, at, at+1)
		if g.lead(*next) {
			led = append(led, g)
		}
	}
	for i := range goals {
		take(i, func(g *Goal) bool { return g.Name() == e.Goals[i].Name })
	}
	for i := range goals { // called something else now: its miners need not move
		take(i, func(*Goal) bool { return true })
	}
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
