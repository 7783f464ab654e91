package proxy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/api"
	"farmproxy/balance"
	"farmproxy/config"
	"farmproxy/plain"
	"farmproxy/upstream"
)

// staged is a farm on paper where there is something to see.
type staged struct {
	paper
	is    facts
	moves flow
}

func (s staged) facts() facts { return s.is }
func (s staged) flows(context.Context, string, []balance.Goal, map[string]string) (*flow, error) {
	return &s.moves, nil
}

// list is a list of pools: "a!" serves, "a?" is not known to work.
func list(text string) (pools []upstream.GoalPool) {
	for _, name := range strings.Fields(text) {
		p := upstream.GoalPool{Name: strings.TrimRight(name, "!?"), Serves: strings.HasSuffix(name, "!"), Able: !strings.HasSuffix(name, "?")}
		pools = append(pools, p)
	}
	return pools
}

// What each order does, in words: who goes where, who stays and why, what happens when it
// ends, and what is undone.
func TestTheEffectsOfOrders(t *testing.T) {
	hour := api.Term{For: "1h"}
	until := plain.Moment(time.Date(2026, 11, 26, 13, 0, 0, 0, time.UTC))
	pool := func(name string, how api.PoolAction, term api.Term) func(api.Orders) (any, error) {
		return func(o api.Orders) (any, error) { return o.Leave("bert", name, how, term) }
	}
	weigh := func(main, second float64, term api.Term) func(api.Orders) (any, error) {
		return func(o api.Orders) (any, error) {
			return o.Weigh("bert", "hall-1", api.WeightsOrder{Weights: map[string]float64{"main": main, "second": second}, Term: term})
		}
	}
	both := func(first, then func(api.Orders) (any, error)) [2]func(api.Orders) (any, error) {
		return [2]func(api.Orders) (any, error){first, then}
	}
	only := func(then func(api.Orders) (any, error)) [2]func(api.Orders) (any, error) { return both(nil, then) }
	back := "a is used as configured again, and whoever prefers it goes back once it has been healthy for failover.return_after (2m)."
	const safe = "No miner is disconnected."
	hall := func(main, second string) []goalFacts {
		return []goalFacts{{goalKey{"hall-1", "main"}, true, 7, list(main)}, {goalKey{"hall-1", "second"}, true, 3, list(second)}}
	}
	all := func(pools string) []goalFacts { return []goalFacts{{goalKey{}, false, 10, list(pools)}} }
	for _, x := range []struct {
		name   string
		inUse  []goalFacts
		moves  flow
		orders [2]func(api.Orders) (any, error)
		want   string
	}{
		{"a pool with a backup is drained", all("a! b"), flow{}, only(pool("a", api.Drain, hour)),
			"From a to b: 10 miners, each by a clean job on the connection that it has.|The links to a end when their last shares have verdicts.|farmproxy goes on looking whether a works.|It ends by itself at " + until + ": then " + back + "|" + safe},
		{"one without a backup", all("a! b?"), flow{}, only(pool("a", api.Drain, api.Term{})),
			"No other pool is up for 10 miners: a goes on to give jobs there until one is.|farmproxy goes on looking whether a works.|It holds until it is taken back: then " + back + "|" + safe},
		{"one without a backup is disabled", all("a! b?"), flow{}, both(pool("a", api.Drain, hour), pool("a", api.Disable, api.Term{})),
			"No other pool is up for 10 miners: they stay connected, on their last job, for failover.hold (10m), and are disconnected then.|farmproxy does not connect to a: its links end when their last shares have verdicts.|This replaces what bert ordered: drained, until " + until + ".|It holds until it is taken back: then " + back},
		{"a backup is drained", all("a! b"), flow{}, only(pool("b", api.Drain, hour)), "No miner changes its pool.|The links to b end*"},
		{"the better pool that was waited for is drained", all("a b!"), flow{}, only(pool("a", api.Drain, hour)), "No miner changes its pool.|The links to a end*"},
		{"a pool is enabled that works", all("a b!"), flow{}, both(pool("a", api.Drain, hour), pool("a", api.Enable, api.Term{})),
			"From b to a: 10 miners, each by a clean job, once a has been healthy for failover.return_after (2m).|a is used as configured again.|This takes back what bert ordered: drained, until " + until + ".|" + safe},
		{"one that is not known to", all("a? b!"), flow{}, both(pool("a", api.Disable, hour), pool("a", api.Enable, api.Term{})),
			"a is not known to work: farmproxy connects to it, and 10 miners go to it once it has been healthy for failover.return_after (2m).|a is used*"},
		{"one that miners have stayed at", all("a!"), flow{}, both(pool("a", api.Drain, hour), pool("a", api.Enable, api.Term{})), "10 miners have stayed at a, for want of another pool.|a is used*"},
		{"one that they wait for", all("a"), flow{}, both(pool("a", api.Disable, hour), pool("a", api.Enable, api.Term{})), "To a: 10 miners without a pool, as soon as it gives a job.|a is used*"},
		{"one that is in use", all("a!"), flow{}, only(pool("a", api.Enable, api.Term{})), "Nothing changes: there is no such order."},
		{"the only pool of a goal is drained", hall("a!", "b!"), flow{moves: map[[2]string]int{{"main", "second"}: 5}, at: map[string]int{"main": 7, "second": 3}, agents: 1}, only(pool("a", api.Drain, api.Term{})),
			"Route hall-1 is divided otherwise: main 70 % → 0 % (no pool of it takes miners), second 30 % → 100 %.|From goal main to goal second: about 5 miners within minutes, each by a clean job on the connection that it has.|5 miners stay at their goals, 1 behind agents.|No other pool is up for 2 miners: a goes on to give jobs there until one is.|farmproxy goes on looking whether a works.|It holds until it is taken back: then a is used as configured again, and its goals get their parts.|" + safe},
		{"it is enabled, and not known to work", hall("a?", "b!"), flow{}, both(pool("a", api.Drain, hour), pool("a", api.Enable, api.Term{})),
			"a is not known to work: farmproxy connects to it, and once it works, goal main of route hall-1 gets its part again.|a is used as configured again.*"},
		{"a pool of a goal whose pools were all left alone is enabled", hall("a! b", "c!"), flow{at: map[string]int{"main": 7, "second": 3}}, both(func(o api.Orders) (any, error) {
			if _, err := pool("b", api.Drain, hour)(o); err != nil {
				return nil, err
			}
			return pool("a", api.Drain, hour)(o)
		}, pool("b", api.Enable, api.Term{})),
			"From a to b: 7 miners, each by a clean job on the connection that it has.|Route hall-1 is divided otherwise: main 0 % → 70 %, second 100 % → 30 %.|10 miners stay at their goals.|b is used*"},
		{"a pool of a goal with a backup is drained", hall("a! b", "b!"), flow{}, only(pool("a", api.Drain, api.Term{})), "From a to b: 7 miners, each by*"},
		{"weights", hall("a!", "b!"), flow{moves: map[[2]string]int{{"main", "second"}: 4}, at: map[string]int{"main": 7, "second": 3}, pinned: 2}, only(weigh(1, 3, hour)),
			"Route hall-1 is divided otherwise: main 70 % → 25 %, second 30 % → 75 %.|From goal main to goal second: about 4 miners within minutes, each by a clean job on the connection that it has.|6 miners stay at their goals, 2 by a pin.|It comes before the configuration and its schedule.|It ends by itself at " + until + ": then the weights are main 70, second 30.|" + safe},
		{"the same weights, on nobody", hall("a!", "b!"), flow{}, both(weigh(1, 3, hour), weigh(1, 3, api.Term{})),
			"Route hall-1 is divided as before: main 25 %, second 75 %.|No miner is on it now: those that come are divided so.|It comes before the configuration and its schedule.|This replaces what bert ordered: main 1, second 3, until " + until + ".|It holds until it is taken back: then the weights are main 70, second 30.|" + safe},
		{"weights are taken back", hall("a!", "b!"), flow{at: map[string]int{"main": 1}}, both(weigh(1, 3, hour), func(o api.Orders) (any, error) { return nil, o.Unweigh("anna", "hall-1") }),
			"Route hall-1 is divided otherwise: main 25 % → 70 %, second 75 % → 30 %.|1 miner stays at its goal.|This takes back what bert ordered: main 1, second 3, until " + until + ".|" + safe},
		{"a pin of nobody", hall("a!", "b!"), flow{}, only(func(o api.Orders) (any, error) {
			return o.Pin(t.Context(), "bert", "rig", api.MoveOrder{Goal: "second"})
		}),
			"No miner of rig is here: the next one that comes goes to goal second of route hall-1.|It stays there, and the others are balanced around it.|It holds until it is taken back: then it may be moved again, to keep the split."},
		{"a curtailment", nil, flow{}, only(func(o api.Orders) (any, error) { return o.Curtail("bert", api.CurtailOrder{Term: hour}) }),
			"From now until " + until + ", and for 15m after that, no alert speaks of all miners: 12 workers, 10 of them up now.|No miner is switched off by it."},
		{"it is taken back", nil, flow{}, both(func(o api.Orders) (any, error) {
			return o.Curtail("bert", api.CurtailOrder{From: "2026-11-26T12:30:00Z", Term: hour})
		}, func(o api.Orders) (any, error) { return nil, o.Uncurtail("bert", "") }), "It has not begun: nothing else changes.|This takes back what bert ordered: miners off on purpose*"},
	} {
		f := newOffice("")
		c, err := config.Parse([]byte("[[listener]]\naddress = \"0.0.0.0:3333\"\n[[pool]]\nurl = \"stratum+tcp://192.0.2.1:3333\"\nuser = \"farm\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		f.known = staged{is: facts{inUse: x.inUse, config: c}, moves: x.moves}
		if first := x.orders[0]; first != nil {
			if _, err := first(f.desk); err != nil {
				t.Fatalf("%s: %v", x.name, err)
			}
		}
		ordered, past, pools := f.list(), slices.Clone(f.past), f.pools
		e, err := f.DryRun(t.Context(), x.orders[1])
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		got := strings.Join(e.Effects, "|")
		if want, begins := strings.CutSuffix(x.want, "*"); begins && !strings.HasPrefix(got, want) || !begins && got != want {
			t.Errorf("%s:\n%s\nwant\n%s", x.name, got, want)
		}
		if f.list() != ordered || !slices.Equal(f.past, past) || f.pools != pools {
			t.Errorf("%s: ordered %s, remembered %q, left alone %s", x.name, f.list(), f.past, f.pools)
		}
	}
}

// One dry run is answered at a time, and whoever gives up waiting is told why; it leaves its
// place also when the order is refused.
func TestDryRunsOneAtATime(t *testing.T) {
	f := newOffice("")
	refused := errors.New("no")
	for range 2 {
		_, err := f.DryRun(t.Context(), func(api.Orders) (any, error) {
			over, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := f.DryRun(over, func(api.Orders) (any, error) { t.Error("both are answered"); return nil, refused }); !errors.Is(err, errRehearsing) {
				t.Errorf("the second: %v", err)
			}
			return nil, refused
		})
		if !errors.Is(err, refused) {
			t.Errorf("the first: %v", err)
		}
	}
}
