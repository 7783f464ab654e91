package wish

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// MaxWeight is the largest weight: parts per million are finer than any split can be kept.
const MaxWeight = 1_000_000

// Route is what the configuration says of a route's goals, in its order.
type Route struct {
	Name  string
	Goals []Goal
}

// Check returns an error if the route has no such goal.
func (r *Route) Check(goal string) error {
	if !slices.ContainsFunc(r.Goals, func(g Goal) bool { return g.Name == goal }) {
		return fmt.Errorf("route %q has no goal %q: it has %s", r.Name, goal, goalNames(r))
	}
	return nil
}

// Goal is one of them: its usual weight, and those at times. The first period that is in
// force counts.
type Goal struct {
	Name     string
	Weight   float64
	Schedule []Period
}

// Source says where a weight comes from.
type Source uint8

const (
	Configured Source = iota // weight of the [[route.goal]]
	Scheduled                // one of its periods
	Ordered                  // an operator's order
)

// String returns the source's name in the API.
func (s Source) String() string { return [...]string{"configuration", "schedule", "order"}[s] }

// Weight is a goal's weight now.
type Weight struct {
	Goal       string
	Weight     float64
	Source     Source
	Configured float64   // the usual one
	Until      time.Time // when another one holds; zero: not known to change
}

// CheckWeight returns what is wrong with a weight.
func CheckWeight(w float64) error {
	if !(w >= 0 && w <= MaxWeight) { // not a number: neither
		return fmt.Errorf("a weight is a number from 0 to %d", MaxWeight)
	}
	return nil
}

// scheduled returns the goal's weight without orders.
func (g *Goal) scheduled(now time.Time) (weight float64, source Source) {
	for i := range g.Schedule {
		if _, inForce := g.Schedule[i].At(now); inForce {
			return g.Schedule[i].Weight, Scheduled
		}
	}
	return g.Weight, Configured
}

// changes returns when the schedule next gives another weight; zero: never.
func (g *Goal) changes(now time.Time) time.Time {
	weight, source := g.scheduled(now)
	end := now.AddDate(0, 0, 8) // everything has happened once
	for t := g.edge(now); !t.IsZero() && t.Before(end); t = g.edge(t) {
		if w, s := g.scheduled(t); w != weight || s != source {
			return t
		}
	}
	return time.Time{}
}

// edge returns when the next of the goal's periods begins or ends; zero: it has none.
func (g *Goal) edge(now time.Time) (first time.Time) {
	earlier := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for i := range g.Schedule {
		p := &g.Schedule[i]
		if until, inForce := p.At(now); inForce {
			earlier(until)
		}
		earlier(p.next(now))
	}
	return first
}

// Weights returns the weights of a route's goals, in their order.
func (o *Orders) Weights(r *Route, now time.Time) []Weight {
	order, ordered := o.weights[r.Name]
	ordered = ordered && order.inForce(now)
	list := make([]Weight, len(r.Goals))
	for i := range r.Goals {
		g := &r.Goals[i]
		w := Weight{Goal: g.Name, Configured: g.Weight}
		if weight, known := order.Weights[g.Name]; ordered && known {
			w.Weight, w.Source, w.Until = weight, Ordered, order.Until
		} else {
			w.Weight, w.Source = g.scheduled(now)
			w.Until = g.changes(now)
		}
		list[i] = w
	}
	return list
}

// Fractions returns which part of a route's work each of its goals is to get: its weight
// among the weights of those that can work. Goals of weight 0 get all of it, in equal parts,
// when no other can work. If none can, it is as if all could. The sum is 1.
func Fractions(weights []Weight, works func(goal string) bool) []float64 {
	list := make([]float64, len(weights))
	able := make([]bool, len(weights))
	some := false
	for i := range weights {
		able[i] = works(weights[i].Goal)
		some = some || able[i]
	}
	sum, count := 0.0, 0.0
	for i := range weights {
		if able[i] || !some {
			list[i] = weights[i].Weight
			sum += list[i]
			count++
		}
	}
	for i := range list {
		switch {
		case sum > 0:
			list[i] /= sum
		case able[i] || !some:
			list[i] = 1 / math.Max(count, 1)
		}
	}
	return list
}
