package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// Orders are what operators ask for beside the configuration: other weights of a route's
// goals, workers that move or stay, pools that are left alone. Who asks is by, for the log
// and for those who wonder later. An error tells what to do; NotFound makes one for a name
// that there is none of. Any goroutine but an event loop's.
type Orders interface {
	Orders() []Order

	Weights(route string) (*RouteWeights, error)
	Weigh(by, route string, o WeightsOrder) (*RouteWeights, error)
	Unweigh(by, route string) error

	Move(ctx context.Context, by, worker string, o MoveOrder) (*Moved, error)
	Pin(ctx context.Context, by, worker string, o MoveOrder) (*Moved, error)
	Unpin(by, worker string) error

	// Leave has a pool drained or disabled, or neither any more.
	Leave(by, pool string, how PoolAction, term Term) (*PoolOrder, error)
	// PoolOrder returns how a pool is left alone; nil: it is not.
	PoolOrder(pool string) *PoolOrder

	// Curtail says that miners are off on purpose; Uncurtail that they are not, "" for all.
	Curtail(by string, o CurtailOrder) (*Curtailment, error)
	Uncurtail(by, group string) error
	Curtailments() []Curtailment

	// DryRun says what an order would do: order gives it to other Orders, which judge it as
	// these do, and change nothing. The error is the order's.
	DryRun(ctx context.Context, order func(Orders) (any, error)) (*OrderEffects, error)
}

// OrderEffects say what an order would do.
type OrderEffects struct {
	DryRun  bool     `json:"dry_run"` // true: nothing was done
	Effects []string `json:"effects"` // in words
}

// Order is one of all orders.
type Order struct {
	Kind string `json:"kind"` // weights, pin, pool or curtailment
	Name string `json:"name"` // the route's, the worker's, the pool's or the group's; "": all miners
	What string `json:"what"` // for people
	Note
	Effective bool `json:"effective"` // false: the configuration has no such route, goal or pool
}

// OrderList is all of them.
type OrderList struct {
	Orders []Order `json:"orders"`
}

// RouteWeights are the weights of a route's goals now.
type RouteWeights struct {
	Route string       `json:"route"`
	Order *Note        `json:"order"` // null: the weights are the configuration's
	Goals []GoalWeight `json:"goals"`
}

// GoalWeight is one goal's.
type GoalWeight struct {
	Goal       string     `json:"goal"`
	Weight     float64    `json:"weight"`
	Source     string     `json:"source"`     // configuration, schedule or order
	Until      *time.Time `json:"until"`      // when it has another weight; null: not known to
	Configured float64    `json:"configured"` // its weight in the configuration
	Fraction   float64    `json:"fraction"`   // of the route's work, after the goals that can't work
}

// WeightsOrder gives a route's goals other weights.
type WeightsOrder struct {
	Weights weights `json:"weights"` // of each goal
	Term
}

// weights are those of goals, by their names.
type weights map[string]float64

// UnmarshalJSON says at which goal there is no number.
func (w *weights) UnmarshalJSON(text []byte) error {
	var list map[string]json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return json.Unmarshal(text, new(map[string]float64)) // which says what was expected
	}
	*w = make(weights, len(list))
	for _, goal := range slices.Sorted(maps.Keys(list)) {
		var weight float64
		err := json.Unmarshal(list[goal], &weight)
		if e, wrong := errors.AsType[*json.UnmarshalTypeError](err); wrong {
			got, _, _ := strings.Cut(e.Value, " ")
			return badRequest("weights: goal %s: want a number, got %s", quoted(goal), got)
		}
		(*w)[goal] = weight
	}
	return nil
}

// MoveOrder moves a worker's miners to a goal, or keeps them there.
type MoveOrder struct {
	Goal  string `json:"goal,omitempty"`
	Route string `json:"route,omitempty"` // where the worker is on several, or on none now
	Term
}

// Moved is what became of it.
type Moved struct {
	Worker  string    `json:"worker"`
	Route   string    `json:"route"`
	Goal    string    `json:"goal"`
	Moved   int       `json:"moved"`   // miners that got a job of the goal
	Stayed  int       `json:"stayed"`  // that were there already
	Refused []Refused `json:"refused"` // that could not be moved
	Pin     *Note     `json:"pin"`     // the worker stays there; null: it may be moved again
}

// Refused are miners that could not be moved, for one reason.
type Refused struct {
	Miners int    `json:"miners"`
	Reason string `json:"reason"`
}

// PoolAction is what an operator does with a pool.
type PoolAction string

const (
	Drain   PoolAction = "drain"
	Disable PoolAction = "disable"
	Enable  PoolAction = "enable"
)

// Enabled is the state of a pool without an order.
const Enabled = "enabled"

// PoolOrder is how a pool is left alone.
type PoolOrder struct {
	Pool  string `json:"pool"`
	State string `json:"state"` // drained, disabled, or enabled
	Order *Note  `json:"order"` // null: enabled
}

// NotFound returns an error about a name that there is none of.
func NotFound(format string, args ...any) error {
	e := badRequest(format, args...).(*httpError)
	e.code = fasthttp.StatusNotFound
	return e
}

// Busy returns an error about something that can be asked again soon.
func Busy(format string, args ...any) error {
	return busyError{&httpError{fasthttp.StatusServiceUnavailable, fmt.Sprintf(format, args...)}}
}

// withOrders makes a handler of one that looks at orders.
func withOrders(answer func(s *Server, ctx *fasthttp.RequestCtx, o Orders, name string) error) handler {
	return func(s *Server, ctx *fasthttp.RequestCtx) error {
		return answer(s, ctx, s.options.Orders, item(ctx))
	}
}

// outcome is what an order has done.
type outcome struct {
	answer any    // nil: there is nothing to say
	logged string // what, for the log
	attrs  []any
}

// order gives an order that a request makes, about what its path names.
type order func(ctx *fasthttp.RequestCtx, o Orders, name string) (outcome, error)

// handler makes a handler of an order, which does it, or with dry_run says what it would do.
// What is wrong with an order is the client's mistake.
func (give order) handler(others ...string) handler {
	return func(s *Server, ctx *fasthttp.RequestCtx) error {
		dry, err := dryRun(ctx, others...)
		if err != nil {
			return err
		}
		if dry {
			life, cancel := context.WithTimeout(context.Background(), storeTimeout)
			defer cancel()
			e, err := s.options.Orders.DryRun(life, func(o Orders) (any, error) {
				d, err := give(ctx, o, item(ctx))
				return d.answer, err
			})
			return writeEffects(ctx, e, withCode(fasthttp.StatusBadRequest, err))
		}
		d, err := give(ctx, s.options.Orders, item(ctx))
		if err != nil {
			return withCode(fasthttp.StatusBadRequest, err)
		}
		s.audit(ctx, d.logged, d.attrs...)
		if d.answer == nil {
			return noContent(ctx)
		}
		return writeJSON(ctx, fasthttp.StatusOK, d.answer)
	}
}

// dryRun reads whether a request only asks what it would do; others are the parameters that the
// caller reads.
func dryRun(ctx *fasthttp.RequestCtx, others ...string) (dry bool, err error) {
	err = readSwitches(ctx.QueryArgs(), []boolParameter{{"dry_run", &dry}}, others...)
	return dry, err
}

// writeEffects answers a dry run, unless it was refused.
func writeEffects(ctx *fasthttp.RequestCtx, e *OrderEffects, refused error) error {
	if refused != nil {
		return refused
	}
	return writeJSON(ctx, fasthttp.StatusOK, e)
}

// askedBy names who asks, as an order keeps it.
func askedBy(ctx *fasthttp.RequestCtx) string {
	return by(ctx, "anybody") + " at " + callerOf(ctx).String()
}

func (s *Server) orders(ctx *fasthttp.RequestCtx, o Orders, _ string) error {
	list := o.Orders()
	return writeList(ctx, "orders", &OrderList{list}, list)
}

func (s *Server) weights(ctx *fasthttp.RequestCtx, o Orders, route string) error {
	w, err := o.Weights(route)
	if err != nil {
		return withCode(fasthttp.StatusBadRequest, err)
	}
	return writeJSON(ctx, fasthttp.StatusOK, w)
}

func weigh(ctx *fasthttp.RequestCtx, o Orders, route string) (outcome, error) {
	var order WeightsOrder
	if err := readJSON(ctx, &order, true); err != nil {
		return outcome{}, err
	}
	w, err := o.Weigh(askedBy(ctx), route, order)
	if err != nil {
		return outcome{}, err
	}
	return outcome{w, "weights set", []any{"route", route, "weights", order.Weights, "until", untilText(w.Order)}}, nil
}

func unweigh(ctx *fasthttp.RequestCtx, o Orders, route string) (outcome, error) {
	return outcome{nil, "weights taken back", []any{"route", route}}, o.Unweigh(askedBy(ctx), route)
}

func move(ctx *fasthttp.RequestCtx, o Orders, worker string) (outcome, error) {
	return place(ctx, worker, "worker moved", o.Move)
}

func pin(ctx *fasthttp.RequestCtx, o Orders, worker string) (outcome, error) {
	return place(ctx, worker, "worker pinned", o.Pin)
}

// place moves or pins a worker.
func place(ctx *fasthttp.RequestCtx, worker, what string, do func(context.Context, string, string, MoveOrder) (*Moved, error)) (outcome, error) {
	var order MoveOrder
	if err := readOptional(ctx, &order); err != nil {
		return outcome{}, err
	}
	life, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	m, err := do(life, askedBy(ctx), worker, order)
	if err != nil {
		return outcome{}, err
	}
	return outcome{m, what, []any{"worker", worker, "route", m.Route, "goal", m.Goal, "moved", m.Moved, "refused", len(m.Refused), "until", untilText(m.Pin)}}, nil
}

func unpin(ctx *fasthttp.RequestCtx, o Orders, worker string) (outcome, error) {
	return outcome{nil, "pin taken back", []any{"worker", worker}}, o.Unpin(askedBy(ctx), worker)
}

// leave returns the order that does something with a pool.
func leave(how PoolAction) order {
	return func(ctx *fasthttp.RequestCtx, o Orders, pool string) (outcome, error) {
		var term Term
		if err := readOptional(ctx, &term); err != nil {
			return outcome{}, err
		}
		p, err := o.Leave(askedBy(ctx), pool, how, term)
		if err != nil {
			return outcome{}, err
		}
		return outcome{p, "pool " + p.State, []any{"pool", pool, "until", untilText(p.Order)}}, nil
	}
}

// readOptional is a strict readJSON for a body that may be left out.
func readOptional(ctx *fasthttp.RequestCtx, v any) error {
	if len(bytes.TrimSpace(ctx.PostBody())) == 0 {
		return nil
	}
	return readJSON(ctx, v, true)
}

// untilText is the end of an order, for the log.
func untilText(n *Note) string {
	switch {
	case n == nil:
		return "now"
	case n.Until == nil:
		return "taken back"
	}
	return n.Until.Format(time.RFC3339)
}
