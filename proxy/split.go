package proxy

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"farmproxy/balance"
	"farmproxy/netloop"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/wish"
)

const (
	// splitEvery is how often the routes are looked at: a newcomer's first shares should
	// be seen, and a debt of a route's work grows by less than this in it.
	splitEvery = 15 * time.Second

	// splitNotice is how soon it is noticed that a goal should get another part now.
	splitNotice = time.Second

	// splitPatience is how long a look waits for the loops: many times what it takes them
	// under load. What was not done then is done by the next look.
	splitPatience = 10 * time.Second
)

// divided is what is divided among goals.
type divided interface {
	Routes() []*upstream.Route
	SplitMiners(ctx context.Context) ([]netloop.SplitMiner, error)
	mover
}

var _ divided = splitFarm{}

// splitFarm is what splits divides on production's path.
type splitFarm struct {
	*upstream.Directory
	*netloop.Server
}

// wishes say what the goals of a route should get now.
type wishes interface {
	wishes(r *upstream.Route) ([]wish.Weight, []float64)
	pins(r *upstream.Route) map[string]string
	changed() <-chan struct{}
}

// splits keeps the work of each split route divided as is wished: it looks at the routes'
// miners now and then, and moves those that package balance names.
type splits struct {
	of   divided
	want wishes
	work func(*upstream.Goal) float64 // Goal.Work, but in tests
	log  *slog.Logger
	told func(*splitMove) // of each move that was made; it must not block

	looking sync.Mutex // held during a look

	mu     sync.Mutex // guards the following; never held while a look waits
	routes map[*upstream.Route]*splitRoute
	before map[string]splitState // of the process before, by route; each until its first look
	shown  []stats.Route
	again  []splitMove // that could not be made yet; until the next look
	frozen bool        // another process is taking over: it moves the miners
}

func newSplits(of divided, want wishes, log *slog.Logger) *splits {
	return &splits{of: of, want: want, work: (*upstream.Goal).Work, log: log, told: func(*splitMove) {}, routes: make(map[*upstream.Route]*splitRoute)}
}

// run looks at the routes until ctx ends: every splitEvery, and when a goal should get
// another part than at the last look.
func (s *splits) run(ctx context.Context) {
	tick := time.NewTicker(splitNotice)
	defer tick.Stop()
	s.mu.Lock()
	due := s.before == nil // an heir has what the process before saw
	s.mu.Unlock()
	last := time.Now()
	for {
		select {
		case <-s.want.changed():
			due = true
		case now := <-tick.C:
			if due || now.Sub(last) >= splitEvery || s.otherwise() {
				due, last = false, now
				s.look(ctx, now)
			} else {
				s.retry(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

// otherwise reports whether a goal should get another part than at the last look: a pool
// is down or back, or the clock has come to another weight.
func (s *splits) otherwise() bool {
	for _, r := range s.of.Routes() {
		_, fractions := s.want.wishes(r)
		if goals := r.Goals(); len(goals) == len(fractions) && s.news(r, given(goals, fractions)) {
			return true
		}
	}
	return false
}

// news reports whether that is not what a route's goals got at the last look. A route that
// comes from the process before has none: its first look is in its time.
func (s *splits) news(r *upstream.Route, now []balance.Goal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.routes[r]; known != nil {
		return !slices.Equal(known.given, now)
	}
	_, handed := s.before[routeName(r.ID())]
	return !handed
}

// given returns the goals of a route as package balance wants them, without debts.
func given(goals []*upstream.Goal, fractions []float64) []balance.Goal {
	list := make([]balance.Goal, len(goals))
	for i, g := range goals {
		list[i] = balance.Goal{Wish: fractions[i], Open: g.Up()}
	}
	return list
}

// look books what the goals' work was since the last look, and moves miners.
func (s *splits) look(ctx context.Context, now time.Time) {
	s.looking.Lock()
	defer s.looking.Unlock()
	routes := s.of.Routes()
	s.forget(routes)
	if len(routes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, splitPatience)
	defer cancel()
	miners, err := s.of.SplitMiners(ctx)
	if err != nil {
		if ctx.Err() == context.DeadlineExceeded {
			s.log.Warn("the event loops did not say in time which miners they have; the split is looked at again", "after", splitPatience)
		}
		return
	}
	byRoute := make(map[*upstream.Route][]netloop.SplitMiner)
	for _, m := range miners {
		byRoute[m.Goal.Route()] = append(byRoute[m.Goal.Route()], m)
	}
	var orders []splitMove
	for _, r := range routes {
		orders = append(orders, s.plan(r, byRoute[r], now)...)
	}
	s.move(ctx, orders)
	s.show(routes)
}

// forget forgets routes that are not split any more, or not in use, and moves that wait: a
// look orders anew.
func (s *splits) forget(routes []*upstream.Route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.again = nil
	for r := range s.routes {
		if !slices.Contains(routes, r) {
			delete(s.routes, r)
		}
	}
	if len(routes) == 0 {
		s.shown = nil
	}
}

// plan books a route's work, and returns the moves that it needs.
func (s *splits) plan(r *upstream.Route, miners []netloop.SplitMiner, now time.Time) []splitMove {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen {
		return nil
	}
	known := s.routes[r]
	if known == nil {
		known = &splitRoute{name: routeName(r.ID()), account: r.ID().Account != ""}
		s.routes[r] = known
	}
	goals := r.Goals()
	weights, fractions := s.want.wishes(r)
	if len(weights) != len(goals) {
		return nil // another configuration, just now
	}
	known.follow(goals)
	if was, there := s.before[known.name]; there {
		known.restore(was, now)
		delete(s.before, known.name)
	}
	pins := s.want.pins(r)
	known.see(miners, pins)
	known.book(s.work, now)
	known.weights, known.given = weights, given(goals, fractions)
	for _, g := range known.unfitNews() {
		s.log.Warn("no miner of the route can work at this goal, by their extranonce2 and version bits: the others get its part; give it another pool, or a route of its own", "route", known.name, "goal", g.Name(), "miners", len(miners))
	}
	moves := known.plan()
	r.Steer(known.steering(pins))
	return moves
}

// splitMove is a move of a miner, and whose it is.
type splitMove struct {
	netloop.Move
	route  *splitRoute
	worker string
	from   string // the goal's name
	to     int    // the goal's number
	why    balance.Reason
	again  bool // it could not be made yet, and has been counted
}

// move makes moves, and counts what became of them.
func (s *splits) move(ctx context.Context, orders []splitMove) {
	if len(orders) == 0 {
		return
	}
	moves := make([]netloop.Move, len(orders))
	for i := range orders {
		moves[i] = orders[i].Move
	}
	results, err := s.of.Move(ctx, moves)
	if err != nil {
		s.log.Warn("the event loops did not move miners in time; the split is looked at again", "moves", len(moves), "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done := make(map[*splitRoute][balance.NumReasons]int)
	for i, o := range orders {
		if results[i] != netloop.Done {
			notYet := results[i] == netloop.NotYet
			if !notYet || !o.again {
				o.route.counts[o.to].refuse(results[i])
			}
			if notYet && o.why != balance.Balance {
				o.again = true
				s.again = append(s.again, o)
			}
			continue
		}
		o.route.counts[o.to].moves[o.why]++
		s.told(&orders[i])
		n := done[o.route]
		n[o.why]++
		done[o.route] = n
	}
	for r, n := range done {
		level := slog.LevelDebug // the balance's own are many, and metrics count them
		if n[balance.Closed] > 0 || n[balance.Pinned] > 0 {
			level = slog.LevelInfo
		}
		s.log.Log(ctx, level, "miners have another goal", "route", r.name, "balance", n[balance.Balance], "closed", n[balance.Closed], "pinned", n[balance.Pinned])
	}
}

// retry makes moves that miners wait for and that could not be made yet: a lane had to be
// opened first, or the miner had not read its last job.
func (s *splits) retry(ctx context.Context) {
	s.looking.Lock()
	defer s.looking.Unlock()
	s.mu.Lock()
	orders := s.again
	s.again = nil
	frozen := s.frozen
	s.mu.Unlock()
	if frozen {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, splitPatience)
	defer cancel()
	s.move(ctx, orders)
}

// show makes what the API and metrics say.
func (s *splits) show(routes []*upstream.Route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := make([]stats.Route, 0, len(routes))
	for _, r := range routes {
		if known := s.routes[r]; known != nil && len(known.given) > 0 {
			shown = append(shown, known.show(s.work))
		}
	}
	s.shown = shown
}

// Routes returns the split routes as they were at the last look.
func (s *splits) Routes() []stats.Route {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}
