package stats

import (
	"maps"
	"slices"
	"time"
)

// Route is a route that is split, as it was when it was last looked at.
type Route struct {
	Name    string // "account:NAME" of an account's
	Account bool   // it is an account's
	Goals   []RouteGoal
}

// RouteGoal is one part of a split route.
type RouteGoal struct {
	Name     string
	Up       bool // miners can work there
	Weight   float64
	Source   string    // where the weight comes from: configuration, schedule or order
	Until    time.Time // when it has another weight; zero: not known to
	Wish     float64   // fraction of the route's work that it is to get now
	Part     float64   // fraction of it that it got in the last 10 minutes; below 0: there was none
	Wished   float64   // fraction of it that it was to get then; below 0: there was none
	Owed     float64   // what it has had too little, in seconds of the route; below 0: too much
	Work     float64   // of accepted shares, in shares of difficulty 1, since it began
	HashRate float64   // hashes per second of its miners, estimated
	Miners   int
	Fits     int               // miners of the route that can work there
	Moves    map[string]uint64 // miners moved to it, by reason
	Refused  map[string]uint64 // moves to it that could not be made, by reason
}

// SetRoutes sets the function that returns the split routes whenever they are shown. It may
// be called from any goroutine, must not block, and what it returns is not changed.
func (b *Book) SetRoutes(routes func() []Route) { b.routes.Store(&routes) }

// Routes returns the split routes.
func (b *Book) Routes() []Route {
	if routes := b.routes.Load(); routes != nil {
		return (*routes)()
	}
	return nil
}

// writeRoutes writes the series of split routes: those of accounts, of which there may be
// thousands, only with perWorker.
func (b *Book) writeRoutes(e *exposition, perWorker bool) {
	routes := b.Routes()
	if len(routes) == 0 {
		return // most farms divide nothing
	}
	each := func(write func(g *RouteGoal, labels []string)) {
		for i := range routes {
			for j := range routes[i].Goals {
				if g := &routes[i].Goals[j]; perWorker || !routes[i].Account {
					write(g, []string{"route", routes[i].Name, "goal", g.Name})
				}
			}
		}
	}
	values := func(name string, k kind, help string, value func(*RouteGoal) float64) {
		e.begin(name, k, help)
		each(func(g *RouteGoal, labels []string) { e.value(value(g), labels...) })
	}
	parts := func(name, help string, part func(*RouteGoal) float64) {
		e.begin(name, gauge, help)
		each(func(g *RouteGoal, labels []string) {
			if v := part(g); v >= 0 {
				e.value(v, labels...)
			}
		})
	}
	counts := func(name, help string, count func(*RouteGoal) map[string]uint64) {
		e.begin(name, counter, help)
		each(func(g *RouteGoal, labels []string) {
			n := count(g)
			for _, reason := range slices.Sorted(maps.Keys(n)) {
				e.count(n[reason], append(labels, "reason", reason)...)
			}
		})
	}
	e.begin("farmproxy_goal_up", gauge, "1 while miners can work at the goal: one of its pools is up.")
	each(func(g *RouteGoal, labels []string) { e.truth(g.Up, labels...) })
	values("farmproxy_goal_weight", gauge, "The goal's weight now, after schedule and orders.", func(g *RouteGoal) float64 { return g.Weight })
	values("farmproxy_goal_wish", gauge, "Fraction of the route's work that the goal is to get now.", func(g *RouteGoal) float64 { return g.Wish })
	parts("farmproxy_goal_part", "Fraction of the route's work that the goal got in the last 10 minutes.", func(g *RouteGoal) float64 { return g.Part })
	parts("farmproxy_goal_wished_part", "Fraction of the route's work that the goal was to get in the last 10 minutes.", func(g *RouteGoal) float64 { return g.Wished })
	values("farmproxy_goal_owed_seconds", gauge, "What the goal has had too little, in seconds of the route's hash rate; below 0, too much.", func(g *RouteGoal) float64 { return g.Owed })
	values("farmproxy_goal_work_total", counter, "Accepted shares of the goal, in shares of difficulty 1, each 2^32 hashes.", func(g *RouteGoal) float64 { return g.Work })
	values("farmproxy_goal_hashrate", gauge, "Hashes per second of the goal's miners, estimated from their shares.", func(g *RouteGoal) float64 { return g.HashRate })
	values("farmproxy_goal_miners", gauge, "Miners that work at the goal.", func(g *RouteGoal) float64 { return float64(g.Miners) })
	values("farmproxy_goal_fitting_miners", gauge, "Miners of the route that can work at the goal: their extranonce and version bits fit.", func(g *RouteGoal) float64 { return float64(g.Fits) })
	counts("farmproxy_goal_moves_total", "Miners moved to the goal, by reason.", func(g *RouteGoal) map[string]uint64 { return g.Moves })
	counts("farmproxy_goal_moves_refused_total", "Moves to the goal that could not be made, by reason.", func(g *RouteGoal) map[string]uint64 { return g.Refused })
}
