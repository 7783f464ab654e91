package wish

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// MaxPins bounds the workers that are pinned: all of a box's, and more memory than
	// that no script may take.
	MaxPins = 1 << 14

	// MaxPools and the others bound the other orders: a farm has a handful of each.
	MaxPools        = 1 << 10
	MaxWeights      = 1 << 10
	MaxCurtailments = 1 << 10

	// maxName is the longest name of a worker, in bytes: as long as a login may be.
	maxName = 256
)

// Note says who gave an order, when, and until when it is in force.
type Note struct {
	By    string    `json:"by"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // zero: until it is taken back
}

// inForce reports whether the order holds.
func (n *Note) inForce(now time.Time) bool { return n.Until.IsZero() || now.Before(n.Until) }

// RouteWeights are the weights that a route's goals have by order. A goal that is not among
// them, because the configuration has it only since, keeps its own.
type RouteWeights struct {
	Note
	Weights map[string]float64 `json:"weights"` // by goal
}

// Pin keeps a worker's miners at one goal.
type Pin struct {
	Note
	Route string `json:"route"`
	Goal  string `json:"goal"`
}

// PoolState is how a pool is left alone.
type PoolState uint8

const (
	Drained  PoolState = iota + 1 // it gets no work; it is still probed
	Disabled                      // nothing connects to it either
)

var poolStates = map[PoolState]string{Drained: "drained", Disabled: "disabled"}

// String returns the state's name in the API.
func (s PoolState) String() string { return poolStates[s] }

// MarshalText implements encoding.TextMarshaler.
func (s PoolState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. A state of a newer farmproxy, which
// this one does not know, is the gentlest of those that it knows.
func (s *PoolState) UnmarshalText(text []byte) error {
	*s = Drained
	for state, name := range poolStates {
		if name == string(text) {
			*s = state
		}
	}
	return nil
}

// PoolOrder leaves a pool alone.
type PoolOrder struct {
	Note
	State PoolState `json:"state"`
}

// Curtailment says that the miners of a group are off on purpose. Nobody is switched off by
// it: it is only no news then.
type Curtailment struct {
	Note
	From   time.Time `json:"from,omitzero"` // zero: at once
	Reason string    `json:"reason,omitempty"`
}

// maxReason bounds a reason, in bytes: it is a sentence.
const maxReason = 256

// Orders are all orders of operators. The zero value has none. It is not for several
// goroutines at a time.
type Orders struct {
	weights map[string]RouteWeights // by route
	pins    map[string]Pin          // by worker
	pools   map[string]PoolOrder    // by pool

	curtailments map[string]Curtailment // by group; "" is for all miners
}

var errTooMany = errors.New("there are too many orders of this kind: take some back")

// Weigh gives a route's goals other weights.
func (o *Orders) Weigh(r *Route, w RouteWeights) error {
	if len(r.Goals) < 2 {
		return fmt.Errorf("route %q has one goal, which gets everything: only a route with several goals has weights", r.Name)
	}
	sum := 0.0
	for name, weight := range w.Weights {
		if err := r.Check(name); err != nil {
			return err
		}
		if err := CheckWeight(weight); err != nil {
			return fmt.Errorf("goal %q: weight %v: %w", name, weight, err)
		}
		sum += weight
	}
	for i := range r.Goals {
		if _, there := w.Weights[r.Goals[i].Name]; !there {
			return fmt.Errorf("goal %q of route %q has no weight: give one to each of %s; 0 for nothing", r.Goals[i].Name, r.Name, goalNames(r))
		}
	}
	if sum == 0 {
		return fmt.Errorf("all weights of route %q are 0: give one goal at least a positive one", r.Name)
	}
	w.Weights = maps.Clone(w.Weights)
	return put(&o.weights, r.Name, w, MaxWeights)
}

func goalNames(r *Route) string {
	names := make([]string, len(r.Goals))
	for i := range r.Goals {
		names[i] = r.Goals[i].Name
	}
	return strings.Join(names, ", ")
}

// Unweigh takes a route's weights back; false: it has none by order.
func (o *Orders) Unweigh(route string) (RouteWeights, bool) { return take(o.weights, route) }

// RouteWeights returns a route's weights by order.
func (o *Orders) RouteWeights(route string) (RouteWeights, bool) {
	w, ok := o.weights[route]
	return w, ok
}

// Pin keeps a worker at a goal.
func (o *Orders) Pin(worker string, r *Route, p Pin) error {
	switch {
	case worker == "":
		return errors.New("the worker has no name")
	case len(worker) > maxName:
		return fmt.Errorf("the worker's name has %d bytes: at most %d", len(worker), maxName)
	}
	if err := r.Check(p.Goal); err != nil {
		return err
	}
	p.Route = r.Name
	return put(&o.pins, worker, p, MaxPins)
}

// Unpin takes a worker's pin back; false: it has none.
func (o *Orders) Unpin(worker string) (Pin, bool) { return take(o.pins, worker) }

// PinOf returns a worker's pin on a route; false: it may be at any goal there.
func (o *Orders) PinOf(worker, route string, now time.Time) (p Pin, pinned bool) {
	p, there := o.pins[worker]
	return p, there && p.Route == route && p.inForce(now)
}

// Pins returns the goals of the workers that are pinned on a route, by worker.
func (o *Orders) Pins(route string, now time.Time) map[string]string {
	list := make(map[string]string)
	for worker, p := range o.pins {
		if p.Route == route && p.inForce(now) {
			list[worker] = p.Goal
		}
	}
	return list
}

// Leave leaves a pool alone.
func (o *Orders) Leave(pool string, p PoolOrder) error { return put(&o.pools, pool, p, MaxPools) }

// Enable takes the order of a pool back; false: there is none.
func (o *Orders) Enable(pool string) (PoolOrder, bool) { return take(o.pools, pool) }

// PoolOrder returns the order of a pool.
func (o *Orders) PoolOrder(pool string) (PoolOrder, bool) {
	p, ok := o.pools[pool]
	return p, ok
}

// Pools returns how each pool is left alone that is.
func (o *Orders) Pools(now time.Time) map[string]PoolState {
	list := make(map[string]PoolState, len(o.pools))
	for name, p := range o.pools {
		if p.inForce(now) {
			list[name] = p.State
		}
	}
	return list
}

// Curtail says that the miners of a group, or of all for "", are off on purpose. It needs an
// end: one that is forgotten would hide every trouble for ever.
func (o *Orders) Curtail(group string, c Curtailment) error {
	switch {
	case len(group) > maxName:
		return fmt.Errorf("the group's name has %d bytes: at most %d", len(group), maxName)
	case len(c.Reason) > maxReason:
		return fmt.Errorf("the reason has %d bytes: at most %d", len(c.Reason), maxReason)
	case c.Until.IsZero():
		return errors.New("a curtailment needs an end: say until when, or for how long")
	case !c.Until.After(c.From):
		return errors.New("a curtailment ends after it begins")
	}
	return put(&o.curtailments, group, c, MaxCurtailments)
}

// Uncurtail takes a curtailment back; false: there is none.
func (o *Orders) Uncurtail(group string) (Curtailment, bool) { return take(o.curtailments, group) }

// CurtailmentOf returns the curtailment of a group.
func (o *Orders) CurtailmentOf(group string) (Curtailment, bool) {
	c, ok := o.curtailments[group]
	return c, ok
}

// Curtailed returns the groups whose miners are off on purpose now, and until when.
func (o *Orders) Curtailed(now time.Time) map[string]time.Time {
	off := make(map[string]time.Time)
	for group, c := range o.curtailments {
		if c.inForce(now) && !now.Before(c.From) {
			off[group] = c.Until
		}
	}
	return off
}

// put adds an order to those of its kind, of which there may be so many.
func put[O any](all *map[string]O, name string, order O, most int) error {
	if _, there := (*all)[name]; !there && len(*all) >= most {
		return fmt.Errorf("%w; there may be %d", errTooMany, most)
	}
	if *all == nil {
		*all = make(map[string]O)
	}
	(*all)[name] = order
	return nil
}

func take[O any](all map[string]O, name string) (order O, there bool) {
	order, there = all[name]
	delete(all, name)
	return order, there
}

// Order is one order, for people.
type Order struct {
	Note
	Kind Kind
	Name string // the route's, the worker's, the pool's or the group's; "": all miners
	What string // what it says: "main 10, other 90", "at goal main of route hall-1", "drained"
}

// Kind is what an order is about.
type Kind uint8

const (
	OfWeights Kind = iota
	OfWorker
	OfPool
	OfGroup
)

// String returns the kind's name in the API.
func (k Kind) String() string { return [...]string{"weights", "pin", "pool", "curtailment"}[k] }

// List returns all orders, those of weights first, each kind by name.
func (o *Orders) List() (list []Order) {
	for _, route := range slices.Sorted(maps.Keys(o.weights)) {
		w := o.weights[route]
		list = append(list, Order{w.Note, OfWeights, route, w.String()})
	}
	for _, worker := range slices.Sorted(maps.Keys(o.pins)) {
		p := o.pins[worker]
		list = append(list, Order{p.Note, OfWorker, worker, p.String()})
	}
	for _, pool := range slices.Sorted(maps.Keys(o.pools)) {
		p := o.pools[pool]
		list = append(list, Order{p.Note, OfPool, pool, p.State.String()})
	}
	for _, group := range slices.Sorted(maps.Keys(o.curtailments)) {
		c := o.curtailments[group]
		list = append(list, Order{c.Note, OfGroup, group, c.String()})
	}
	return list
}

// String names the weights, by goal.
func (w *RouteWeights) String() string {
	var parts []string
	for _, goal := range slices.Sorted(maps.Keys(w.Weights)) {
		parts = append(parts, fmt.Sprintf("%s %v", goal, w.Weights[goal]))
	}
	return strings.Join(parts, ", ")
}

// String says where the worker stays.
func (p *Pin) String() string { return fmt.Sprintf("at goal %s of route %s", p.Goal, p.Route) }

// String says from when on miners are off, and why.
func (c *Curtailment) String() string {
	text := "miners off on purpose"
	if !c.From.IsZero() {
		text += " from " + c.From.Local().Format("2006-01-02 15:04")
	}
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// Expire removes the orders that have ended, and returns them.
func (o *Orders) Expire(now time.Time) (ended []Order) {
	for _, order := range o.List() {
		if order.inForce(now) {
			continue
		}
		ended = append(ended, order)
		switch order.Kind {
		case OfWeights:
			delete(o.weights, order.Name)
		case OfWorker:
			delete(o.pins, order.Name)
		case OfPool:
			delete(o.pools, order.Name)
		case OfGroup:
			delete(o.curtailments, order.Name)
		}
	}
	return ended
}

// Clone returns orders of their own that are the same.
func (o *Orders) Clone() *Orders {
	return &Orders{maps.Clone(o.weights), maps.Clone(o.pins), maps.Clone(o.pools), maps.Clone(o.curtailments)}
}

// Changed returns the first order that is another one than in before: what it was and what it
// is; nil: there was, or is, none.
func (o *Orders) Changed(before *Orders) (was, is *Order) {
	type id struct {
		Kind
		name string
	}
	old := make(map[id]Order)
	for _, order := range before.List() {
		old[id{order.Kind, order.Name}] = order
	}
	for _, order := range o.List() {
		key := id{order.Kind, order.Name}
		was, there := old[key]
		if !there {
			return nil, &order
		}
		if was != order {
			return &was, &order
		}
		delete(old, key)
	}
	for _, gone := range old {
		return &gone, nil
	}
	return nil, nil
}

// Homeless returns the orders whose route, goal or pool there is not: they change nothing,
// and hold again when it is back.
func (o *Orders) Homeless(route func(name string) (Route, bool), hasPool func(name string) bool) (list []Order) {
	for _, order := range o.List() {
		var home bool
		switch order.Kind {
		case OfWeights:
			_, home = route(order.Name)
		case OfWorker:
			p := o.pins[order.Name]
			var r Route
			if r, home = route(p.Route); home {
				home = r.Check(p.Goal) == nil
			}
		case OfPool:
			home = hasPool(order.Name)
		case OfGroup:
			home = true // a group has no workers for a while
		}
		if !home {
			list = append(list, order)
		}
	}
	return list
}
