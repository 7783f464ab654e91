package proxy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"farmproxy/api"
	"farmproxy/balance"
	"farmproxy/netloop"
	"farmproxy/upstream"
	"farmproxy/wish"
)

// known is what orders can be about.
type known interface {
	route(name string) (wish.Route, bool)
	routes() []string // the names of those that are split
	works(route, goal string) bool
	pool(name string) bool
	pools() []string
	groups() []string // of workers
	workers(group string) (known, up int)
	facts() facts
	// flows says who would move on a route in use whose goals are to get these fractions.
	flows(ctx context.Context, route string, wanted []balance.Goal, pins map[string]string) (*flow, error)
	mover
	SplitMinersOf(ctx context.Context, worker string) ([]netloop.SplitMiner, error)
}

// mover moves the miners of split routes.
type mover interface {
	Move(ctx context.Context, moves []netloop.Move) ([]netloop.Moved, error)
}

// desk takes orders of operators, from the API and from the admin socket.
type desk struct{ *orders }

// accountRoute is what the name of an account's route begins with: [[route]]s have names of
// their own.
const accountRoute = "account:"

// routeName is what orders and the API call a route.
func routeName(id upstream.RouteID) string {
	if id.Account != "" {
		return accountRoute + id.Account
	}
	return id.Route
}

// Orders implements api.Orders.
func (d desk) Orders() []api.Order {
	list := []api.Order{}
	d.view(func(all *wish.Orders) {
		homeless := make(map[string]bool)
		key := func(o *wish.Order) string { return o.Kind.String() + " " + o.Name }
		for _, o := range all.Homeless(d.known.route, d.known.pool) {
			homeless[key(&o)] = true
		}
		for _, o := range all.List() {
			list = append(list, api.Order{Kind: o.Kind.String(), Name: o.Name, What: o.What, Note: note(o.Note), Effective: !homeless[key(&o)]})
		}
	})
	return list
}

// noted remembers an order that was given, or taken back. Its end is in the farm's zone, whoever
// has given it.
func (d desk) noted(name, what, by string, until time.Time) {
	d.remember("order", name, what+", by "+by+", until "+endOf(until.Local()))
}

func note(n wish.Note) api.Note { return api.MakeNote(n.By, n.Since, n.Until) }

// given is the note of an order that is given now.
func (o *orders) given(by string, term api.Term) (wish.Note, error) {
	now := o.now()
	until, err := term.End(now)
	return wish.Note{By: by, Since: now.Round(0), Until: until.Round(0)}, err
}

// takeBack is change for an order that is taken back, and remembers it.
func (d desk) takeBack(name, what, by string, do func(*wish.Orders) error) error {
	err := d.change(do)
	if err == nil {
		d.remember("order", name, what+", by "+by)
	}
	return err
}

// mustRoute returns a route, or says which there are.
func (d desk) mustRoute(name string) (wish.Route, error) {
	r, there := d.known.route(name)
	if !there {
		return r, api.NotFound("there is no route %q: %s", name, these(d.known.routes(), "the configuration has no [[route]] with several goals"))
	}
	return r, nil
}

// these lists names, or says that there are none.
func these(names []string, none string) string {
	const most = 20
	switch n := len(names); {
	case n == 0:
		return none
	case n == 1:
		return "there is " + names[0]
	case n > most:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names[:most], ", "), n-most)
	}
	return "there are " + strings.Join(names, ", ")
}

// Weights implements api.Orders.
func (d desk) Weights(name string) (*api.RouteWeights, error) {
	r, err := d.mustRoute(name)
	if err != nil {
		return nil, err
	}
	a := &api.RouteWeights{Route: name, Goals: []api.GoalWeight{}}
	var weights []wish.Weight
	d.view(func(all *wish.Orders) {
		weights = all.Weights(&r, d.now())
		if o, ordered := all.RouteWeights(name); ordered {
			n := note(o.Note)
			a.Order = &n
		}
	})
	fractions := wish.Fractions(weights, func(goal string) bool { return d.known.works(name, goal) })
	for i, w := range weights {
		g := api.GoalWeight{Goal: w.Goal, Weight: w.Weight, Source: w.Source.String(), Configured: w.Configured, Fraction: fractions[i]}
		if !w.Until.IsZero() {
			g.Until = &w.Until
		}
		a.Goals = append(a.Goals, g)
	}
	return a, nil
}

// Weigh implements api.Orders.
func (d desk) Weigh(by, name string, order api.WeightsOrder) (*api.RouteWeights, error) {
	r, err := d.mustRoute(name)
	if err != nil {
		return nil, err
	}
	n, err := d.given(by, order.Term)
	if err != nil {
		return nil, err
	}
	if err := d.change(func(all *wish.Orders) error { return all.Weigh(&r, wish.RouteWeights{Note: n, Weights: order.Weights}) }); err != nil {
		return nil, err
	}
	d.noted(name, (&wish.RouteWeights{Weights: order.Weights}).String(), by, n.Until)
	return d.Weights(name)
}

// Unweigh implements api.Orders. It may be about a route that is gone.
func (d desk) Unweigh(by, name string) error {
	return d.takeBack(name, "weights of the configuration", by, func(all *wish.Orders) error {
		if _, there := all.Unweigh(name); !there {
			return api.NotFound("no weights of route %q are ordered: the configuration's hold", name)
		}
		return nil
	})
}

// Unpin implements api.Orders.
func (d desk) Unpin(by, worker string) error {
	return d.takeBack(worker, "not pinned", by, func(all *wish.Orders) error {
		if _, there := all.Unpin(worker); !there {
			return api.NotFound("worker %q is not pinned; GET /api/v1/orders and farmproxy orders list the pins", worker)
		}
		return nil
	})
}

var poolStates = map[api.PoolAction]wish.PoolState{api.Drain: wish.Drained, api.Disable: wish.Disabled}

// Leave implements api.Orders. A pool that is gone can be enabled: its order is taken back.
func (d desk) Leave(by, pool string, how api.PoolAction, term api.Term) (*api.PoolOrder, error) {
	if how == api.Enable {
		if term != (api.Term{}) {
			return nil, fmt.Errorf("for and until: a pool is enabled for good; drain and disable take them")
		}
		err := d.takeBack(pool, "enabled", by, func(all *wish.Orders) error {
			if _, there := all.Enable(pool); !there && !d.known.pool(pool) {
				return d.noPool(pool)
			}
			return nil
		})
		return &api.PoolOrder{Pool: pool, State: api.Enabled}, err
	}
	if !d.known.pool(pool) {
		return nil, d.noPool(pool)
	}
	n, err := d.given(by, term)
	if err != nil {
		return nil, err
	}
	if err := d.change(func(all *wish.Orders) error { return all.Leave(pool, wish.PoolOrder{Note: n, State: poolStates[how]}) }); err != nil {
		return nil, err
	}
	d.noted(pool, poolStates[how].String(), by, n.Until)
	return d.PoolOrder(pool), nil
}

func (d desk) noPool(name string) error {
	return api.NotFound("there is no pool %q: %s", name, these(d.known.pools(), "there are no pools"))
}

// PoolOrder implements api.Orders.
func (d desk) PoolOrder(pool string) (a *api.PoolOrder) {
	d.view(func(all *wish.Orders) {
		if o, there := all.PoolOrder(pool); there {
			n := note(o.Note)
			a = &api.PoolOrder{Pool: pool, State: o.State.String(), Order: &n}
		}
	})
	return a
}

// wishes returns what the goals of a route should get now, in the route's order: the weights,
// and the fractions of its work that they make among the goals that are up.
func (o *orders) wishes(r *upstream.Route) ([]wish.Weight, []float64) {
	goals := r.Goals()
	route := wish.Route{Name: routeName(r.ID())}
	var scheduled wish.Route
	if r.ID().Account == "" { // an account's goals have no schedules
		scheduled, _ = o.known.route(route.Name)
	}
	up := make(map[string]bool)
	for _, g := range goals {
		goal := wish.Goal{Name: g.Name(), Weight: g.Weight()}
		for i := range scheduled.Goals {
			if scheduled.Goals[i].Name == goal.Name {
				goal.Schedule = scheduled.Goals[i].Schedule
			}
		}
		route.Goals = append(route.Goals, goal)
		up[goal.Name] = g.Up()
	}
	var weights []wish.Weight
	o.view(func(all *wish.Orders) { weights = all.Weights(&route, o.now()) })
	return weights, wish.Fractions(weights, func(goal string) bool { return up[goal] })
}

// pins returns the workers that stay at a goal of a route, by name.
func (o *orders) pins(r *upstream.Route) (list map[string]string) {
	o.view(func(all *wish.Orders) { list = all.Pins(routeName(r.ID()), o.now()) })
	return list
}

// warnHomeless says which orders change nothing with the configuration that is in use now.
func (o *orders) warnHomeless() {
	var list []wish.Order
	o.view(func(all *wish.Orders) { list = all.Homeless(o.known.route, o.known.pool) })
	for _, h := range list {
		o.log.Warn("an order changes nothing now: the configuration has no such route, goal or pool; it holds again when it is back, or take it back", "kind", h.Kind, "name", h.Name, "what", h.What, "by", h.By, "until", endOf(h.Until))
	}
}

func endOf(t time.Time) string {
	if t.IsZero() {
		return "taken back"
	}
	return t.Format(time.RFC3339)
}
