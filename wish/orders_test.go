package wish

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var hall = Route{"hall-1", []Goal{{"main", 70, nil}, {"other", 30, nil}}}

// What an order may say; the errors tell what to do.
func TestOrdersThatAreRefused(t *testing.T) {
	var o Orders
	weights := func(want string, r Route, w map[string]float64) {
		t.Helper()
		if err := o.Weigh(&r, RouteWeights{Weights: w}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", w, err, want)
		}
	}
	type w = map[string]float64
	weights(`route "hall-1" has no goal "mian": it has main, other`, hall, w{"mian": 1, "other": 1})
	weights(`goal "other" of route "hall-1" has no weight: give one to each of main, other; 0 for nothing`, hall, w{"main": 1})
	weights(`all weights of route "hall-1" are 0`, hall, w{"main": 0, "other": 0})
	weights(`goal "main": weight -1: a weight is a number from 0 to 1000000`, hall, w{"main": -1, "other": 1})
	weights("weight NaN", hall, w{"main": math.NaN(), "other": 1})
	weights("weight +Inf", hall, w{"main": math.Inf(1), "other": 1})
	weights(`route "all" has one goal, which gets everything`, Route{"all", []Goal{{"", 1, nil}}}, w{"": 1})

	pin := func(want, worker, goal string) {
		t.Helper()
		if err := o.Pin(worker, &hall, Pin{Goal: goal}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s at %s: %v, want %s", worker, goal, err, want)
		}
	}
	pin(`route "hall-1" has no goal "third": it has main, other`, "farm.rig1", "third")
	pin("the worker has no name", "", "main")
	pin("has 257 bytes: at most 256", strings.Repeat("x", 257), "main")
	if list := o.List(); len(list) > 0 {
		t.Errorf("left behind: %v", list)
	}
}

// There are so many pins; one that is there already may change.
func TestTooManyPins(t *testing.T) {
	var o Orders
	for i := range MaxPins {
		if err := o.Pin(fmt.Sprint(i), &hall, Pin{Goal: "main"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Pin("one more", &hall, Pin{Goal: "main"}); !errors.Is(err, errTooMany) {
		t.Errorf("one more: %v", err)
	}
	if err := o.Pin("7", &hall, Pin{Goal: "other"}); err != nil {
		t.Errorf("one that is there: %v", err)
	}
}

// given returns a set of orders of each kind, some of them for an hour.
func given(t *testing.T) *Orders {
	t.Helper()
	o, hour := new(Orders), thursday.Add(time.Hour)
	for _, err := range []error{
		o.Weigh(&hall, RouteWeights{Note{"anna", thursday, hour}, map[string]float64{"main": 10, "other": 90}}),
		o.Pin("farm.rig1", &hall, Pin{Note: Note{By: "bert", Since: thursday}, Goal: "other"}),
		o.Pin("farm.rig2", &hall, Pin{Note: Note{By: "bert", Since: thursday, Until: hour}, Goal: "main"}),
		o.Leave("pool-a", PoolOrder{Note{By: "carl", Since: thursday}, Drained}),
		o.Leave("pool-b", PoolOrder{Note{By: "carl", Since: thursday, Until: hour}, Disabled}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func show(list []Order) string {
	var lines []string
	for _, o := range list {
		lines = append(lines, fmt.Sprintf("%v %s: %s, by %s", o.Kind, o.Name, o.What, o.By))
	}
	return strings.Join(lines, "\n")
}

// Orders end by themselves, at their moment and not before.
func TestOrdersEnd(t *testing.T) {
	o, hour := given(t), thursday.Add(time.Hour)
	if ended := o.Expire(hour.Add(-1)); ended != nil {
		t.Errorf("too early: %v", ended)
	}
	if pin, pinned := o.PinOf("farm.rig2", "hall-1", hour); pinned {
		t.Errorf("rig2 is pinned after its time: %v", &pin)
	}
	if got := fmt.Sprint(o.Pins("hall-1", thursday), o.Pins("hall-1", hour), o.Pins("hall-2", thursday)); got != "map[farm.rig1:other farm.rig2:main] map[farm.rig1:other] map[]" {
		t.Errorf("pins: %s", got)
	}
	if got := fmt.Sprint(o.Pools(hour)); got != "map[pool-a:drained]" {
		t.Errorf("pools: %s", got)
	}
	if got := show(o.Expire(hour)); got != "weights hall-1: main 10, other 90, by anna\npin farm.rig2: at goal main of route hall-1, by bert\npool pool-b: disabled, by carl" {
		t.Errorf("ended:\n%s", got)
	}
	if got := show(o.List()); got != "pin farm.rig1: at goal other of route hall-1, by bert\npool pool-a: drained, by carl" {
		t.Errorf("left:\n%s", got)
	}
	if ended := o.Expire(hour.AddDate(10, 0, 0)); ended != nil {
		t.Errorf("ended, though they have no end: %v", ended)
	}
}

// Whoever gave an order may take it back, once.
func TestOrdersAreTakenBack(t *testing.T) {
	o := given(t)
	pin, pinned := o.PinOf("farm.rig1", "hall-1", thursday)
	if _, elsewhere := o.PinOf("farm.rig1", "hall-2", thursday); !pinned || pin.Goal != "other" || elsewhere {
		t.Errorf("pinned %v %v, on another route %v", pinned, &pin, elsewhere)
	}
	for i, want := range []bool{true, false} {
		_, weights := o.Unweigh("hall-1")
		_, pin := o.Unpin("farm.rig1")
		_, pool := o.Enable("pool-a")
		if weights != want || pin != want || pool != want {
			t.Errorf("%d: %v %v %v", i, weights, pin, pool)
		}
	}
	if got := show(o.List()); got != "pin farm.rig2: at goal main of route hall-1, by bert\npool pool-b: disabled, by carl" {
		t.Errorf("left:\n%s", got)
	}
}

// What the configuration does not have any more changes nothing, and is said.
func TestHomelessOrders(t *testing.T) {
	o := given(t)
	pools := func(names ...string) func(string) bool {
		return func(name string) bool { return strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") }
	}
	routes := func(list ...Route) func(string) (Route, bool) {
		return func(name string) (Route, bool) {
			for _, r := range list {
				if r.Name == name {
					return r, true
				}
			}
			return Route{}, false
		}
	}
	if got := show(o.Homeless(routes(hall), pools("pool-a", "pool-b"))); got != "" {
		t.Errorf("all are at home:\n%s", got)
	}
	only := Route{"hall-1", []Goal{{"main", 1, nil}, {"third", 1, nil}}}
	if got := show(o.Homeless(routes(only), pools("pool-b"))); got != "pin farm.rig1: at goal other of route hall-1, by bert\npool pool-a: drained, by carl" {
		t.Errorf("a goal and a pool are gone:\n%s", got)
	}
	if got := strings.Count(show(o.Homeless(routes(), pools())), "\n") + 1; got != 5 {
		t.Errorf("everything is gone: %d", got)
	}
}

// Orders are written and read again as they were; a reader skips what it does not know.
func TestOrdersSurviveARestart(t *testing.T) {
	o := given(t)
	text := string(o.Encode())
	again, err := Decode([]byte(text))
	if err != nil || string(again.Encode()) != text || show(again.List()) != show(o.List()) {
		t.Errorf("%v\n%s\n%s", err, text, show(again.List()))
	}
	if text := string(new(Orders).Encode()); text != "{\n\t\"version\": 1\n}\n" {
		t.Errorf("without orders: %s", text)
	}
	f := func(text, want string) {
		t.Helper()
		o, err := Decode([]byte(text))
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = show(o.List())
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	f(`{}`, "")
	f(`{"version":1,"goals":[],"pools":{"a":{"state":"drained","by":"x","reason":"power"}}}`, "pool a: drained, by x")
	f(`{"version":1,"pools":{"a":{"state":"asleep","by":"x"}}}`, "pool a: drained, by x") // a newer one's: the gentlest
	f(`{"version":2}`, "error: the orders were written by a newer farmproxy: version 2, this one knows 1")
	f(`{"version":1,"pools":{"a":{}}}`, `error: pool "a": no state`)
	f(`{"version":1,"weights":{"r":{"weights":{"g":-1}}}}`, `error: weights of route "r", goal "g"`)
	f(`{"version":1,"pools":`, "error: unexpected end")
	f(``, "error: unexpected end")
}

// Orders never depend on the route's later changes of the caller's map.
func TestWeightsAreCopied(t *testing.T) {
	var o Orders
	mine := map[string]float64{"main": 1, "other": 2}
	if err := o.Weigh(&hall, RouteWeights{Weights: mine}); err != nil {
		t.Fatal(err)
	}
	mine["main"] = 7
	if w, _ := o.RouteWeights("hall-1"); w.Weights["main"] != 1 {
		t.Errorf("%v", w)
	}
}

// What an order has changed is known, and a copy changes alone.
func TestWhatAnOrderChanges(t *testing.T) {
	f := func(do func(o *Orders), was, is string) {
		t.Helper()
		before := given(t)
		after := before.Clone()
		do(after)
		text := func(o *Order) string {
			if o == nil {
				return ""
			}
			return show([]Order{*o})
		}
		if w, i := after.Changed(before); text(w) != was || text(i) != is {
			t.Errorf("was %s, is %s; want %s and %s", text(w), text(i), was, is)
		}
		if string(before.Encode()) != string(given(t).Encode()) {
			t.Errorf("the orders before have changed: %s", before.Encode())
		}
	}
	f(func(*Orders) {}, "", "")
	f(func(o *Orders) { o.Unweigh("hall-1") }, "weights hall-1: main 10, other 90, by anna", "")
	f(func(o *Orders) { o.Unpin("farm.rig2") }, "pin farm.rig2: at goal main of route hall-1, by bert", "")
	f(func(o *Orders) { o.Leave("pool-a", PoolOrder{Note{By: "dora"}, Disabled}) }, "pool pool-a: drained, by carl", "pool pool-a: disabled, by dora")
	f(func(o *Orders) { o.Enable("pool-b") }, "pool pool-b: disabled, by carl", "")
	f(func(o *Orders) { o.Curtail("", Curtailment{Note: Note{By: "dora", Until: thursday}}) }, "", "curtailment : miners off on purpose, by dora")
}
