package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/api"
	"farmproxy/balance"
	"farmproxy/config"
	"farmproxy/internal/journal"
	"farmproxy/netloop"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/wish"
)

// hall is a route of a real directory whose miners are made up: they do their work at the
// test's clock.
type hall struct {
	route   *upstream.Route
	miners  []netloop.SplitMiner
	done    map[*upstream.Goal]float64
	now     time.Time
	moves   int
	refuse  netloop.Moved // what becomes of moves; Done: they are made
	weights map[string]float64
	pinned  map[string]string
}

func (h *hall) Routes() []*upstream.Route { return []*upstream.Route{h.route} }

func (h *hall) SplitMiners(context.Context) ([]netloop.SplitMiner, error) {
	return slices.Clone(h.miners), nil
}

func (h *hall) Move(_ context.Context, moves []netloop.Move) ([]netloop.Moved, error) {
	results := make([]netloop.Moved, len(moves))
	for i, v := range moves {
		if results[i] = h.refuse; h.refuse == netloop.Done {
			m := &h.miners[v.Cookie]
			m.Goal, m.Moved = v.To, 0
			h.moves++
		}
	}
	return results, nil
}

func (h *hall) wishes(r *upstream.Route) (weights []wish.Weight, fractions []float64) {
	for _, g := range r.Goals() {
		weights = append(weights, wish.Weight{Goal: g.Name(), Weight: h.weights[g.Name()]})
	}
	return weights, wish.Fractions(weights, func(string) bool { return true })
}

func (h *hall) pins(*upstream.Route) map[string]string { return h.pinned }
func (h *hall) changed() <-chan struct{}               { return nil }

// pass lets time go by, with a look at each tick.
func (h *hall) pass(t *testing.T, s *splits, long time.Duration) {
	for end := h.now.Add(long); h.now.Before(end); {
		h.now = h.now.Add(splitEvery)
		for i := range h.miners {
			m := &h.miners[i]
			h.done[m.Goal] += m.Rate * splitEvery.Seconds()
			if m.Moved >= 0 {
				m.Moved += splitEvery
			}
		}
		s.look(t.Context(), h.now)
	}
}

func (h *hall) splits() *splits {
	s := newSplits(h, h, slog.New(slog.DiscardHandler))
	s.work = func(g *upstream.Goal) float64 { return h.done[g] }
	return s
}

// newHall returns a hall of 20 miners of 10 to 200, all at the first of two goals.
func newHall(t *testing.T) *hall {
	a, b := easyPool(t, "east", nil), easyPool(t, "western", nil)
	p, _ := startProxy(t, halves, nil, a, b)
	p.bothUp(t)
	h := &hall{route: p.directory.Routes()[0], done: make(map[*upstream.Goal]float64), now: time.Now(), weights: map[string]float64{"main": 70, "alt": 30}}
	for i := range 20 {
		h.miners = append(h.miners, netloop.SplitMiner{
			Cookie: upstream.Cookie(i), Worker: fmt.Sprint("rig", i), Goal: h.route.Goal("main"),
			Fits: 3, Miners: 1, Rate: float64(10 * (i + 1)), Shares: 100, Share: 100, Moved: -1,
		})
	}
	return h
}

// wantPart fails unless a goal got a part of the last 10 minutes' work.
func wantPart(t *testing.T, s *splits, goal int, want float64) stats.RouteGoal {
	t.Helper()
	g := s.Routes()[0].Goals[goal]
	if math.Abs(g.Part-want) > 0.05 || math.Abs(g.Part-g.Wished) > 0.05 {
		t.Errorf("%s got %v of the work, was to get %v; want %v", g.Name, g.Part, g.Wished, want)
	}
	return g
}

// The driver books work, moves miners, and says what it does; the next process goes on.
func TestTheSplitFollowsItsWish(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	s := h.splits()
	h.pass(t, s, 20*time.Minute)
	alt := wantPart(t, s, 1, 0.3)
	moves := h.moves
	if moves == 0 || moves > 40 || alt.Moves["balance"] == 0 || alt.Miners == 0 || alt.Fits != 20 || alt.Work != h.done[h.route.Goal("alt")] {
		t.Errorf("%d moves, %+v", moves, alt)
	}
	h.weights = map[string]float64{"main": 10, "alt": 90}
	h.pass(t, s, 20*time.Minute)
	wantPart(t, s, 1, 0.9)

	next := h.splits()
	next.restore(s.state(h.now))
	before := s.Routes()[0]
	h.pass(t, next, splitEvery)
	after := next.Routes()[0]
	for i := range before.Goals {
		b, a := before.Goals[i], after.Goals[i]
		if a.Part < 0 || math.Abs(a.Part-b.Part) > 0.02 || math.Abs(a.Owed-b.Owed) > 15 || a.Moves["balance"] < b.Moves["balance"] || i == 1 && b.Moves["balance"] == 0 {
			t.Errorf("the next process says %+v, this one %+v", a, b)
		}
	}
	h.pass(t, next, 20*time.Minute)
	wantPart(t, next, 1, 0.9)

	s.freeze(true) // the next process moves them now
	h.moves, h.weights = 0, map[string]float64{"main": 100, "alt": 0}
	h.pass(t, s, time.Minute)
	if h.moves > 0 {
		t.Errorf("%d moves while another process takes over", h.moves)
	}
}

// A pinned worker's miner goes where it is pinned; moves that can't be made are counted.
func TestPinnedAndRefused(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	s := h.splits()
	h.pinned = map[string]string{"rig0": "alt", "rig1": "nowhere"}
	h.pass(t, s, splitEvery)
	if h.miners[0].Goal.Name() != "alt" || s.Routes()[0].Goals[1].Moves["pinned"] != 1 {
		t.Errorf("the pinned miner is at %s: %v", h.miners[0].Goal.Name(), s.Routes())
	}
	h.refuse, h.moves = netloop.NotYet, 0
	h.weights = map[string]float64{"main": 0, "alt": 100}
	h.pass(t, s, splitEvery)
	alt := s.Routes()[0].Goals[1]
	if alt.Refused["not_yet"] == 0 || alt.Moves["closed"] != 0 {
		t.Errorf("nobody could be moved: %+v", alt)
	}
	s.retry(t.Context())
	h.refuse = netloop.Done
	s.freeze(true)
	s.retry(t.Context())
	if h.moves > 0 {
		t.Errorf("%d moves while another process takes over", h.moves)
	}
	s.freeze(false)
	h.pass(t, s, splitEvery)
	after := s.Routes()[0].Goals[1]
	if after.Miners != 20 || after.Moves["closed"] == 0 || after.Refused["not_yet"] != alt.Refused["not_yet"] {
		t.Errorf("the next look moves them: %+v", after)
	}
}

// Miners that have to leave are not left waiting for the next look.
func TestForcedMovesAreTriedAgainSoon(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	s := h.splits()
	h.weights = map[string]float64{"main": 0, "alt": 100}
	h.refuse = netloop.NotYet
	h.pass(t, s, splitEvery)
	s.retry(t.Context())
	h.refuse = netloop.Done
	s.retry(t.Context())
	s.retry(t.Context())
	if h.moves != 20 {
		t.Errorf("%d moves, want one of each miner", h.moves)
	}
	if n := len(s.again); n > 0 {
		t.Errorf("%d moves are still tried", n)
	}
	h.pass(t, s, splitEvery)
	if alt := s.Routes()[0].Goals[1]; alt.Miners != 20 || alt.Moves["closed"] != 20 || alt.Refused["not_yet"] != 20 {
		t.Errorf("%+v", alt)
	}
}

// That a wish can't be had is said once, until it can.
func TestAGoalWhereNobodyCanWork(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	s := h.splits()
	var log journal.Journal
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	said := func(want int) {
		t.Helper()
		if n := strings.Count(log.String(), "no miner of the route can work at this goal"); n != want {
			t.Errorf("said %d times, want %d: %s", n, want, log.String())
		}
	}
	fit := func(set uint64) {
		for i := range h.miners {
			h.miners[i].Fits = set
		}
		h.pass(t, s, time.Minute)
	}
	fit(3)
	said(0)
	for i := range h.miners {
		h.miners[i].Goal = h.route.Goal("main")
	}
	fit(1)
	said(1)
	h.miners[0].Fits = 3
	h.pass(t, s, time.Minute)
	fit(1)
	said(2)
	h.weights = map[string]float64{"main": 1, "alt": 0}
	h.pass(t, s, time.Minute)
	said(2)
}

// On production's path: weights are changed over the API, pools fail and are back; the
// miners follow on their connections, and the API and the metrics say so.
func TestMinersFollowTheWeights(t *testing.T) {
	t.Parallel()
	a, b := easyPool(t, "east", nil), easyPool(t, "western", nil)
	p, address := startProxy(t, func(c *config.Config) {
		halves(c)
		c.Routes[0].Goals[1].Weight = 0
	}, nil, a, b)
	eventually(t, "both pools are up", func() bool { return p.goal("main").Up() && p.goal("alt").Up() })
	const miners = 4
	for i := range miners {
		startRig(t, address, fmt.Sprint("farm.rig", i), "")
	}
	at := func(goal string) func() bool {
		return func() bool { return p.goal(goal).Members() == miners }
	}
	eventually(t, "all are at the only goal with a weight", at("main"))
	ask := func(method, path, body string) string {
		t.Helper()
		code, answer := p.request(t, method, path, body)
		if code != 200 {
			t.Fatalf("%s %s: %d %s", method, path, code, answer)
		}
		return answer
	}
	ask("PUT", "/api/v1/routes/hall/weights", `{"weights":{"main":0,"alt":5}}`)
	eventually(t, "all follow the order", at("alt"))
	var routes api.Routes
	eventually(t, "the API says so", func() bool {
		if err := json.Unmarshal([]byte(ask("GET", "/api/v1/routes", "")), &routes); err != nil {
			t.Fatal(err)
		}
		return len(routes.Routes) == 1 && routes.Routes[0].Goals[1].Moves["closed"] == miners
	})
	if r := routes.Routes[0]; r.Route != "hall" || r.Miners != miners || r.Window != balance.Window.Seconds() || r.Goals[1].Wish != 1 || r.Goals[1].Source != "order" || r.Goals[0].Wish != 0 {
		t.Errorf("%+v", r)
	}
	text := ask("GET", "/metrics", "")
	for _, line := range []string{
		`farmproxy_goal_wish{route="hall",goal="alt"} 1`, `farmproxy_goal_up{route="hall",goal="main"} 1`,
		`farmproxy_goal_moves_total{route="hall",goal="alt",reason="closed"} 4`, `farmproxy_goal_miners{route="hall",goal="alt"} 4`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics does not say %s", line)
		}
	}
	ask("POST", "/api/v1/workers/farm.rig0/pin", `{"goal":"main"}`)
	eventually(t, "the pinned one is there", func() bool { return p.goal("main").Members() == 1 })
	if n := p.opened(); n != miners {
		t.Errorf("%d connections, want %d", n, miners)
	}
}
