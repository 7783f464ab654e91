package api

import (
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/stats"
)

// Routes are all routes that are split, as they were when they were last looked at.
type Routes struct {
	Routes []RouteState `json:"routes"`
}

// RouteState is one of them.
type RouteState struct {
	Route    string      `json:"route"`
	Miners   int         `json:"miners"`
	HashRate float64     `json:"hashrate"` // hashes per second, estimated
	Window   float64     `json:"window"`   // seconds that part and wished_part are of
	Goals    []GoalState `json:"goals"`
}

// GoalState is one of a route's goals.
type GoalState struct {
	Goal     string            `json:"goal"`
	Up       bool              `json:"up"` // miners can work there
	Weight   float64           `json:"weight"`
	Source   string            `json:"source"`      // of the weight: configuration, schedule or order
	Until    *time.Time        `json:"until"`       // when it has another weight; null: not known to
	Wish     float64           `json:"wish"`        // fraction of the route's work that it is to get now
	Part     *float64          `json:"part"`        // fraction of it that it got in the window; null: there was none
	Wished   *float64          `json:"wished_part"` // fraction of it that it was to get then; null: there was none
	Owed     float64           `json:"owed"`        // what it has had too little, in seconds of the route
	Work     float64           `json:"work"`        // of its accepted shares, in shares of difficulty 1
	HashRate float64           `json:"hashrate"`    // hashes per second, estimated
	Miners   int               `json:"miners"`      // that work there
	Fits     int               `json:"fits"`        // miners of the route that can work there
	Moves    map[string]uint64 `json:"moves"`       // miners moved to it, by reason
	Refused  map[string]uint64 `json:"refused"`     // moves to it that could not be made, by reason
}

// routeWindow is what parts are of, in seconds.
const routeWindow = 600

// Routes returns what GET /api/v1/routes answers. Any goroutine.
func (s *Server) Routes() *Routes {
	a := &Routes{Routes: []RouteState{}}
	for _, r := range s.options.Book.Routes() {
		route := RouteState{Route: r.Name, Window: routeWindow, Goals: make([]GoalState, len(r.Goals))}
		for i := range r.Goals {
			g := &r.Goals[i]
			route.Miners += g.Miners
			route.HashRate += g.HashRate
			route.Goals[i] = makeGoalState(g)
		}
		a.Routes = append(a.Routes, route)
	}
	return a
}

func makeGoalState(g *stats.RouteGoal) GoalState {
	a := GoalState{
		Goal: g.Name, Up: g.Up, Weight: g.Weight, Source: g.Source, Wish: g.Wish,
		Owed: g.Owed, Work: g.Work, HashRate: g.HashRate, Miners: g.Miners, Fits: g.Fits,
		Moves: orEmpty(g.Moves), Refused: orEmpty(g.Refused),
	}
	if !g.Until.IsZero() {
		a.Until = &g.Until
	}
	if g.Part >= 0 {
		a.Part, a.Wished = &g.Part, &g.Wished
	}
	return a
}

func (s *Server) routes(ctx *fasthttp.RequestCtx) error {
	a := s.Routes()
	goals := []routeGoal{}
	for _, r := range a.Routes {
		for _, g := range r.Goals {
			goals = append(goals, routeGoal{r.Route, g})
		}
	}
	return writeList(ctx, "routes", a, goals)
}

// routeGoal is a row of the routes' table.
type routeGoal struct {
	Route string `json:"route"`
	GoalState
}

// orEmpty makes an object of what would be null.
func orEmpty(counts map[string]uint64) map[string]uint64 {
	if counts == nil {
		return map[string]uint64{}
	}
	return counts
}
