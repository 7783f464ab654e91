package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"farmproxy/api"
	"farmproxy/netloop"
	"farmproxy/wish"
)

// Move implements api.Orders: a worker's miners go to a goal at once. For a time, they are
// pinned there.
func (d desk) Move(ctx context.Context, by, worker string, order api.MoveOrder) (*api.Moved, error) {
	if order.Goal == "" {
		return nil, errors.New("goal: required; GET /api/v1/routes and farmproxy routes list the goals")
	}
	if order.Term != (api.Term{}) {
		return d.Pin(ctx, by, worker, order)
	}
	w, err := d.find(ctx, worker, order)
	if err != nil {
		return nil, err
	}
	if len(w.miners) == 0 {
		return nil, api.NotFound("no miner of worker %q is connected to a route that is split: pin it, and it goes there when it comes; GET /api/v1/workers and farmproxy workers list the names that there are", worker)
	}
	var pin wish.Pin
	var pinned bool
	d.view(func(all *wish.Orders) { pin, pinned = all.PinOf(worker, w.route.Name, d.now()) })
	if pinned && pin.Goal != w.goal {
		return nil, fmt.Errorf("worker %q is pinned to goal %q by %s, and would be moved back: unpin it first, or move it for a time", worker, pin.Goal, pin.By)
	}
	return d.place(ctx, w)
}

// Pin implements api.Orders: a worker's miners go to a goal at once, and stay.
func (d desk) Pin(ctx context.Context, by, worker string, order api.MoveOrder) (*api.Moved, error) {
	n, err := d.given(by, order.Term)
	if err != nil {
		return nil, err
	}
	w, err := d.find(ctx, worker, order)
	if err != nil {
		return nil, err
	}
	moved, err := d.place(ctx, w)
	if err != nil {
		return nil, err
	}
	if len(w.miners) > 0 && moved.Moved+moved.Stayed == 0 && len(moved.Refused) > 0 {
		return nil, fmt.Errorf("worker %q is not pinned, since its miners can't work at goal %q: %s", worker, w.goal, moved.Refused[0].Reason)
	}
	if err := d.change(func(all *wish.Orders) error { return all.Pin(worker, &w.route, wish.Pin{Note: n, Goal: w.goal}) }); err != nil {
		return nil, err
	}
	d.noted(worker, (&wish.Pin{Route: w.route.Name, Goal: w.goal}).String(), by, n.Until)
	pinned := note(n)
	moved.Pin = &pinned
	return moved, nil
}

// placed is a worker, and where it is to go.
type placed struct {
	worker string
	route  wish.Route
	goal   string
	miners []netloop.SplitMiner // its own, on that route
}

// find returns whose miners are meant, and where they are to go: to the goal of the order, or
// where they are.
func (d desk) find(ctx context.Context, worker string, order api.MoveOrder) (w placed, err error) {
	w = placed{worker: worker, goal: order.Goal}
	miners, err := d.known.SplitMinersOf(ctx, worker)
	if err != nil {
		return w, err
	}
	on := make(map[string][]netloop.SplitMiner) // by route
	for _, m := range miners {
		name := routeName(m.Goal.Route().ID())
		on[name] = append(on[name], m)
	}
	name := order.Route
	switch split := d.known.routes(); {
	case name != "":
	case len(on) == 1:
		name = slices.Collect(maps.Keys(on))[0]
	case len(on) > 1:
		return w, fmt.Errorf("worker %q has miners on routes %s: name one of them", worker, strings.Join(slices.Sorted(maps.Keys(on)), " and "))
	case len(split) == 1:
		name = split[0]
	default:
		return w, api.NotFound("no miner of worker %q is connected to a route that is split: name a route; %s", worker, these(split, "the configuration has no [[route]] with several goals"))
	}
	if w.route, err = d.mustRoute(name); err != nil {
		return w, err
	}
	if len(w.route.Goals) < 2 {
		return w, fmt.Errorf("route %q has one goal, where everybody is: only on a route with several goals can a worker be moved", name)
	}
	w.miners = on[name]
	if w.goal == "" {
		w.goal, err = whereAll(worker, w.miners)
	}
	if err == nil {
		err = w.route.Check(w.goal)
	}
	return w, err
}

// whereAll returns the goal at which all of a worker's miners are.
func whereAll(worker string, miners []netloop.SplitMiner) (goal string, err error) {
	if len(miners) == 0 {
		return "", api.NotFound("no miner of worker %q is connected to a route that is split: name the goal that it is to stay at", worker)
	}
	goal = miners[0].Goal.Name()
	for _, m := range miners {
		if m.Goal.Name() != goal {
			return "", fmt.Errorf("the miners of worker %q are at goals %s and %s: name the one that they are to stay at", worker, goal, m.Goal.Name())
		}
	}
	return goal, nil
}

var errChanging = errors.New("the configuration is changing: try again")

// place moves the miners.
func (d desk) place(ctx context.Context, w placed) (*api.Moved, error) {
	a := &api.Moved{Worker: w.worker, Route: w.route.Name, Goal: w.goal, Refused: []api.Refused{}}
	if len(w.miners) == 0 {
		return a, nil
	}
	moves := make([]netloop.Move, len(w.miners))
	for i, m := range w.miners {
		to := m.Goal.Route().Goal(w.goal)
		if to == nil {
			return nil, errChanging
		}
		moves[i] = netloop.Move{Cookie: m.Cookie, To: to}
	}
	answers, err := d.moveAll(ctx, moves)
	if err != nil {
		return nil, err
	}
	refused := make(map[string]int)
	for i, answer := range answers {
		switch answer {
		case netloop.Done:
			a.Moved += w.miners[i].Miners
		case netloop.Stays:
			a.Stayed += w.miners[i].Miners
		default:
			refused[answer.String()] += w.miners[i].Miners
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(refused)) {
		a.Refused = append(a.Refused, api.Refused{Miners: refused[reason], Reason: reason})
	}
	return a, nil
}

const (
	// moveTime is how long a move waits for a lane that it has opened: for a dial and a
	// handshake, and no longer than an operator waits.
	moveTime = 10 * time.Second

	// moveEvery is how often it tries again.
	moveEvery = 100 * time.Millisecond
)

// moveAll moves miners, and waits for lanes that have no job yet.
func (d desk) moveAll(ctx context.Context, moves []netloop.Move) ([]netloop.Moved, error) {
	answers, err := d.known.Move(ctx, moves)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, moveTime)
	defer cancel()
	tick := time.NewTicker(moveEvery)
	defer tick.Stop()
	for {
		var again []netloop.Move
		var places []int
		for i, answer := range answers {
			if answer == netloop.NotYet {
				again, places = append(again, moves[i]), append(places, i)
			}
		}
		if len(again) == 0 {
			return answers, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return answers, nil // what has moved has moved
		}
		more, err := d.known.Move(ctx, again)
		if err != nil {
			return answers, nil
		}
		for i, answer := range more {
			answers[places[i]] = answer
		}
	}
}
