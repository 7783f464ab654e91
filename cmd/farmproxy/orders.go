package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"farmproxy/api"
	"farmproxy/plain"
	"farmproxy/proxy"
)

const ordersAbout = `Orders are what operators have asked for beside the configuration: other weights, workers that are pinned, pools that are drained or disabled. They outlive a restart and an upgrade. An order that changes nothing, because the configuration has no such route, goal or pool now, is marked with *.`

const weightsAbout = `Without goals, the weights are shown: those in force, where each comes from, and the fraction of the route's work that it makes. With goals, all of them, farmproxy divides by these from now on: over the configuration and its schedule, for a time or until -reset. The work follows within minutes, and no miner is disconnected.

  farmproxy weights hall-1
  farmproxy weights hall-1 main=10 other=90 -until 06:00
  farmproxy weights hall-1 -reset
  farmproxy weights hall-1 main=10 other=90 -dry-run

A route is called as in the configuration; that of an account which is split, account:NAME.`

const moveAbout = `The worker's miners get a clean job of the goal at once, on the same connections. Later farmproxy may move them again, to keep the split; with -for or -until they stay until then, as with farmproxy pin. A miner goes only where its extranonce2 size and its version bits fit: what could not be moved is said, with the reason.`

const pinAbout = `The worker's miners go to the goal at once, and stay there: for a time, or until farmproxy unpin. Without a goal, they stay where they are. The others are balanced around them. While none of the goal's pools works, pinned miners work elsewhere.`

// printOrders prints orders for people.
func printOrders(w io.Writer, width int, answer json.RawMessage) error {
	var a api.OrderList
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is no list of orders: %w", err)
	}
	if len(a.Orders) == 0 {
		_, err := fmt.Fprintln(w, "nothing is ordered: weights, move, pin, drain, disable and curtail do that")
		return err
	}
	t := table{columns: []column{{title: "ORDER"}, {title: "OF", least: 12}, {title: "WHAT", least: 18}, {title: "BY", least: 12}, {title: "UNTIL"}}}
	for i := range a.Orders {
		o := &a.Orders[i]
		mark := ""
		if !o.Effective {
			mark = "*"
		}
		name := o.Name
		if o.Kind == "curtailment" {
			name = whose(name)
		}
		t.add(o.Kind+mark, printable(name), printable(o.What), printable(o.By), when(o.Until))
	}
	return t.print(w, width)
}

func weightsCommand(flags *flag.FlagSet) run {
	a, terms, wide := orderFlags(flags), addTermFlags(flags), wideFlag(flags)
	reset := flags.Bool("reset", false, "the weights are the configuration's again")
	return func(ctx context.Context, args []string, t terminal) int {
		if len(args) == 0 {
			return misused(t, "weights", "name a route; farmproxy routes lists them")
		}
		order := proxy.WeightsArgs{Route: args[0]}
		var err error
		if order.Term, err = terms.term(time.Now()); err != nil {
			return misused(t, "weights", "%w", err)
		}
		if order.Weights, err = readWeights(args[1:]); err != nil {
			return misused(t, "weights", "%w", err)
		}
		print := printer(printWeights).fitted(t, *wide)
		switch timed := order.Term != (api.Term{}); {
		case *reset && (len(args) > 1 || timed):
			return misused(t, "weights", "-reset takes a route and nothing else")
		case *reset:
			return a.order(ctx, t, "weights reset", order, print)
		case len(args) == 1 && timed:
			return misused(t, "weights", "-for and -until need weights, for example main=70 other=30")
		case len(args) == 1 && *a.dry:
			return misused(t, "weights", "-dry-run needs weights, for example main=70 other=30, or -reset")
		case len(args) == 1:
			return a.command(ctx, t, "weights", order, nil, print)
		}
		return a.order(ctx, t, "weights set", order, print)
	}
}

// readWeights reads GOAL=WEIGHT words.
func readWeights(words []string) (map[string]float64, error) {
	var weights map[string]float64
	for _, word := range words {
		at := strings.LastIndexByte(word, '=')
		weight, err := strconv.ParseFloat(word[at+1:], 64)
		if at <= 0 || err != nil {
			return nil, fmt.Errorf("%q: expected GOAL=WEIGHT, for example main=70", word)
		}
		if _, twice := weights[word[:at]]; twice {
			return nil, fmt.Errorf("%q: goal %s has a weight already", word, word[:at])
		}
		if weights == nil {
			weights = make(map[string]float64)
		}
		weights[word[:at]] = weight
	}
	return weights, nil
}

// printWeights prints a route's weights for people.
func printWeights(w io.Writer, width int, answer json.RawMessage) error {
	var a api.RouteWeights
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is no route's weights: %w", err)
	}
	t := table{columns: []column{{title: "GOAL", least: 12}, {title: "WEIGHT", right: true}, {title: "WISH %", right: true}, {title: "SOURCE"}, {title: "UNTIL"}, {title: "CONFIGURED", right: true}}}
	for _, g := range a.Goals {
		t.add(printable(g.Goal), plain.Number(g.Weight), plain.Percent(g.Fraction, 1), g.Source, when(g.Until), plain.Number(g.Configured))
	}
	if err := t.print(w, width); err != nil || a.Order == nil {
		return err
	}
	_, err := fmt.Fprintf(w, "ordered %s\n", printable(a.Order.String()))
	return err
}

// placing defines move and pin.
func placing(name string, needsGoal bool) func(*flag.FlagSet) run {
	return func(flags *flag.FlagSet) run {
		a, terms := orderFlags(flags), addTermFlags(flags)
		route := flags.String("route", "", "the `ROUTE` of a worker that is on several, or on none now")
		return func(ctx context.Context, args []string, t terminal) int {
			if len(args) < 1 || len(args) > 2 || needsGoal && len(args) < 2 {
				return misused(t, name, "name a worker and a goal; farmproxy workers and farmproxy routes list them")
			}
			order := proxy.MoveArgs{Worker: args[0]}
			order.Route = *route
			if len(args) == 2 {
				order.Goal = args[1]
			}
			var err error
			if order.Term, err = terms.term(time.Now()); err != nil {
				return misused(t, name, "%w", err)
			}
			return a.order(ctx, t, name, order, printMoved)
		}
	}
}

// printMoved prints what became of a move for people.
func printMoved(w io.Writer, answer json.RawMessage) error {
	var m api.Moved
	if err := json.Unmarshal(answer, &m); err != nil {
		return fmt.Errorf("the answer is no move's: %w", err)
	}
	moved := fmt.Sprintf("%s: goal %s of route %s: %s moved", m.Worker, m.Goal, m.Route, plain.Several(m.Moved, "miner"))
	if m.Stayed > 0 {
		moved += fmt.Sprintf(", %d there already", m.Stayed)
	}
	lines := []string{moved}
	if m.Pin != nil && m.Moved+m.Stayed == 0 && len(m.Refused) == 0 {
		lines = append(lines, "no miner of that name is here: the pin is for the next one that comes")
	}
	for _, r := range m.Refused {
		lines = append(lines, fmt.Sprintf("%s not moved: %s", plain.Several(r.Miners, "miner"), r.Reason))
	}
	if m.Pin != nil {
		lines = append(lines, "pinned "+m.Pin.String())
	}
	if err := printLines(w, lines); err != nil {
		return err
	}
	if m.Pin == nil && m.Moved+m.Stayed == 0 && len(m.Refused) > 0 {
		return fmt.Errorf("no miner of worker %q was moved", m.Worker)
	}
	return nil
}

func unpinCommand(flags *flag.FlagSet) run {
	a := orderFlags(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if len(args) != 1 {
			return misused(t, "unpin", "name a worker; farmproxy orders lists the pins")
		}
		return a.order(ctx, t, "unpin", proxy.UnpinArgs{Worker: args[0]}, func(w io.Writer, _ json.RawMessage) error {
			_, err := fmt.Fprintf(w, "%s: not pinned any more\n", printable(args[0]))
			return err
		})
	}
}
