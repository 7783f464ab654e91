package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// told is a clerk who writes down what is ordered, and answers as if it had been done.
type told struct{ lines []string }

var ordered = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

func (o *told) note(by string, t Term) (*Note, error) {
	until, err := t.End(ordered)
	n := MakeNote(by, ordered, until)
	return &n, err
}

func (o *told) say(format string, args ...any) {
	o.lines = append(o.lines, fmt.Sprintf(format, args...))
}

func (o *told) Orders() []Order {
	return []Order{{"pool", "backup", "drained", MakeNote("ann at 10.0.0.7", ordered, ordered.Add(time.Hour)), true}}
}

func (o *told) Weights(route string) (*RouteWeights, error) {
	if route != "hall-1" {
		return nil, NotFound("there is no route %s; there is hall-1", quoted(route))
	}
	return &RouteWeights{route, nil, []GoalWeight{{"main", 70, "schedule", OrNull(ordered), 60, 1}}}, nil
}

func (o *told) Weigh(by, route string, w WeightsOrder) (*RouteWeights, error) {
	a, err := o.Weights(route)
	if err != nil {
		return nil, err
	}
	if len(w.Weights) == 0 {
		return nil, errors.New("goal main has no weight")
	}
	o.say("weights of %s: %v", route, w.Weights)
	a.Order, err = o.note(by, w.Term)
	return a, err
}

func (o *told) Unweigh(by, route string) error {
	_, err := o.Weights(route)
	o.say("weights of %s: back", route)
	return err
}

func (o *told) Move(_ context.Context, by, worker string, m MoveOrder) (*Moved, error) {
	if worker == "nobody" {
		return nil, NotFound("no miner of worker %s is connected", quoted(worker))
	}
	o.say("move %s to %q of %q", worker, m.Goal, m.Route)
	return &Moved{Worker: worker, Route: "hall-1", Goal: m.Goal, Moved: 2, Refused: []Refused{{1, "too small"}}}, nil
}

func (o *told) Pin(_ context.Context, by, worker string, m MoveOrder) (*Moved, error) {
	a, err := o.Move(context.Background(), by, worker, m)
	if err == nil {
		a.Pin, err = o.note(by, m.Term)
	}
	return a, err
}

func (o *told) Curtail(by string, c CurtailOrder) (*Curtailment, error) {
	if c.Group == "nowhere" {
		return nil, NotFound("there is no group %s", quoted(c.Group))
	}
	from, until, err := c.Times(ordered)
	if err != nil {
		return nil, err
	}
	o.say("off on purpose: %q, %s", c.Group, c.Reason)
	return &Curtailment{c.Group, from, c.Reason, MakeNote(by, ordered, until)}, nil
}

func (o *told) Uncurtail(by, group string) error {
	if group == "nowhere" {
		return NotFound("no curtailment of %s is ordered", quoted(group))
	}
	o.say("on again: %q", group)
	return nil
}

func (o *told) Curtailments() []Curtailment {
	return []Curtailment{{"hall-1", ordered, "the grid", MakeNote("ann at 10.0.0.7", ordered, ordered.Add(time.Hour))}}
}

func (o *told) Unpin(by, worker string) error {
	if worker == "nobody" {
		return NotFound("worker %s is not pinned", quoted(worker))
	}
	o.say("unpin %s", worker)
	return nil
}

func (o *told) Leave(by, pool string, how PoolAction, term Term) (*PoolOrder, error) {
	if pool == "nobody" {
		return nil, NotFound("there is no pool %s", quoted(pool))
	}
	n, err := o.note(by, term)
	o.say("%s %s", how, pool)
	states := map[PoolAction]string{Drain: "drained", Disable: "disabled", Enable: "enabled"}
	return &PoolOrder{pool, states[how], n}, err
}

func (o *told) PoolOrder(pool string) *PoolOrder {
	if pool != "backup" {
		return nil
	}
	n := MakeNote("ann at 10.0.0.7", ordered, time.Time{})
	return &PoolOrder{pool, "drained", &n}
}

func (o *told) DryRun(_ context.Context, order func(Orders) (any, error)) (*OrderEffects, error) {
	dry := new(told)
	if _, err := order(dry); err != nil {
		return nil, err
	}
	return &OrderEffects{true, dry.lines}, nil
}

// waiting is told, where a dry run waits too long for others.
type waiting struct{ *told }

func (waiting) DryRun(context.Context, func(Orders) (any, error)) (*OrderEffects, error) {
	return nil, Busy("busy: dry runs are answered one at a time")
}

// A dry run that has waited too long may be asked for again: it was no mistake of the client.
func TestADryRunThatWaitsTooLong(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Orders = waiting{new(told)} })
	resp, body := s.send(t, "POST", "/api/v1/pools/p/drain?dry_run=true", "")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" || !strings.Contains(body, "busy: dry runs are answered one at a time") {
		t.Errorf("%s, Retry-After %q, %s", resp.Status, resp.Header.Get("Retry-After"), body)
	}
}

// Orders over the API: what may be said, by whom, and what is answered. The log says who
// changed what.
func TestOrders(t *testing.T) {
	var logged bytes.Buffer
	clerk := new(told)
	s := newSite(t, func(o *Options) {
		o.Orders, o.Log = clerk, slog.New(slog.NewTextHandler(&logged, nil))
		o.Tokens = mustTokens(t, "read "+readToken+" grafana\nadmin "+adminToken+" ann\n")
	})
	token := adminToken
	f := func(method, path, body string, code int, want string) {
		t.Helper()
		got, answer := s.send(t, method, path, body, "Authorization", "Bearer "+token)
		if got.StatusCode != code || !strings.Contains(answer, want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, got.StatusCode, answer, code, want)
		}
	}
	const weights, note = "/api/v1/routes/hall-1/weights", `{"by":"ann at 0.0.0.0","since":"2026-01-02T03:04:05Z","until":`
	f("GET", weights, "", 200, `{"route":"hall-1","order":null,"goals":[{"goal":"main","weight":70,"source":"schedule","until":"2026-01-02T03:04:05Z","configured":60,"fraction":1}]}`)
	f("PUT", weights, `{"weights":{"main":10,"other":90},"for":"8h"}`, 200, `"order":`+note+`"2026-01-02T11:04:05Z"}`)
	f("PUT", weights, `{"weights":{"main":1},"until":"2026-01-02T18:00:00+01:00"}`, 200, `"order":`+note+`"2026-01-02T17:00:00Z"}`)
	f("PUT", weights, `{"weights":{"main":1}}`, 200, `"order":`+note+`null}`)
	f("PUT", weights, `{"weights":{}}`, 400, "goal main has no weight")
	f("PUT", weights, ``, 400, `want {\"weights\": an object of numbers, \"until\": a string, \"for\": a string}`)
	f("PUT", weights, `{"weights":{"main":"much"}}`, 400, `want a number, got string`)
	f("PUT", weights, `{"weight":{"main":1}}`, 400, `\"weight\": no such field`)
	f("PUT", weights, `{"weights":{"main":1},"for":"a week"}`, 400, `for: want a duration such as \"90m\", \"8h\" or \"72h\", got \"a week\"`)
	f("PUT", weights, `{"weights":{"main":1},"for":"-1h"}`, 400, `got \"-1h\"`)
	f("PUT", weights, `{"weights":{"main":1},"until":"tomorrow"}`, 400, `until: want a time such as \"2026-01-31T18:00:00+01:00\", got \"tomorrow\"`)
	f("PUT", weights, `{"weights":{"main":1},"until":"2026-01-02T04:00:00+01:00"}`, 400, `until: 2026-01-02T04:00:00+01:00 is over; it is 2026-01-02T04:04:05+01:00 now`)
	f("PUT", weights, `{"weights":{"main":1},"until":"2026-02-01T00:00:00Z","for":"1h"}`, 400, "give one of them")
	f("PUT", weights, `{"weights":{"main":1},"for":"2000000h"}`, 400, "ten years at most")
	f("PUT", "/api/v1/routes/hall-2/weights", `{"weights":{"main":1}}`, 404, `there is no route \"hall-2\"; there is hall-1`)
	f("DELETE", weights, "", 204, "")

	f("POST", "/api/v1/workers/farm.rig1/move", `{"goal":"other"}`, 200, `{"worker":"farm.rig1","route":"hall-1","goal":"other","moved":2,"stayed":0,"refused":[{"miners":1,"reason":"too small"}],"pin":null}`)
	f("POST", "/api/v1/workers/a%2Fb%2Fpin/move", `{"goal":"x"}`, 200, `"worker":"a/b/pin"`)
	f("POST", "/api/v1/workers/nobody/move", `{"goal":"x"}`, 404, "no miner of worker")
	f("POST", "/api/v1/workers/farm.rig1/move", `{"gaol":"x"}`, 400, "no such field")
	f("POST", "/api/v1/workers/farm.rig1/pin", "", 200, `"pin":`+note+`null}`)
	f("DELETE", "/api/v1/workers/farm.rig1/pin", "", 204, "")
	f("DELETE", "/api/v1/workers/nobody/pin", "", 404, "is not pinned")
	f("GET", "/api/v1/workers/farm.rig1/pin", "", 405, "use POST or DELETE")

	f("POST", "/api/v1/pools/p.example:3333/drain", `{"for":"30m"}`, 200, `{"pool":"p.example:3333","state":"drained","order":`+note+`"2026-01-02T03:34:05Z"}}`)
	f("POST", "/api/v1/pools/p.example:3333/disable", "", 200, `"state":"disabled"`)
	f("POST", "/api/v1/pools/p.example:3333/enable", "", 200, `"state":"enabled"`)
	f("POST", "/api/v1/pools/nobody/drain", "", 404, "there is no pool")
	f("POST", "/api/v1/pools/p/drian", "", 405, `is not allowed for /api/v1/pools/p/drian: use GET, HEAD or DELETE; for POST there are /api/v1/pools/p/drain, /api/v1/pools/p/disable, /api/v1/pools/p/enable"`)
	f("DELETE", "/api/v1/workers/farm.rig1/pni", "", 405, `; for DELETE there are /api/v1/workers/farm.rig1/pin"`)
	f("POST", "/api/v1/pools/p", "", 405, `is not allowed for /api/v1/pools/p: use GET, HEAD or DELETE"`)
	f("PUT", weights, `{"weights":{"main":10,"Second.x":"much"}}`, 400, `weights: goal \"Second.x\": want a number, got string`)
	f("PUT", weights, `{"weights":7}`, 400, `\"weights\": want an object of numbers, got number`)
	f("GET", "/api/v1/orders", "", 200, `{"orders":[{"kind":"pool","name":"backup","what":"drained","by":"ann at 10.0.0.7","since":"2026-01-02T03:04:05Z","until":"2026-01-02T04:04:05Z","effective":true}]}`)

	done, lines := len(clerk.lines), strings.Count(logged.String(), "\n")
	dry := func(method, path, body, want string) {
		t.Helper()
		f(method, path+"dry_run=true", body, 200, `{"dry_run":true,"effects":["`+want+`"]}`)
	}
	dry("PUT", weights+"?", `{"weights":{"main":10}}`, "weights of hall-1: map[main:10]")
	dry("DELETE", weights+"?", "", "weights of hall-1: back")
	dry("POST", "/api/v1/workers/farm.rig1/move?", `{"goal":"other"}`, `move farm.rig1 to \"other\" of \"\"`)
	dry("POST", "/api/v1/workers/farm.rig1/pin?", "", `move farm.rig1 to \"\" of \"\"`)
	dry("DELETE", "/api/v1/workers/farm.rig1/pin?", "", "unpin farm.rig1")
	dry("POST", "/api/v1/pools/p/drain?", "", "drain p")
	dry("POST", "/api/v1/pools/p/disable?", "", "disable p")
	dry("POST", "/api/v1/pools/p/enable?", "", "enable p")
	dry("POST", curtailmentsPath+"?", `{"for":"3h","reason":"the grid"}`, `off on purpose: \"\", the grid`)
	dry("DELETE", curtailmentsPath+"?group=hall-1&", "", `on again: \"hall-1\"`)
	f("POST", "/api/v1/pools/nobody/drain?dry_run=true", "", 404, "there is no pool")
	f("PUT", weights+"?dry_run=true", `{"weights":{}}`, 400, "goal main has no weight")
	if len(clerk.lines) != done || strings.Count(logged.String(), "\n") != lines {
		t.Errorf("a dry run has done something: %q\n%s", clerk.lines[done:], logged.String())
	}
	f("POST", "/api/v1/pools/p/drain?dryrun=true", "", 400, `\"dryrun\": no such parameter; want dry_run`)
	f("POST", "/api/v1/pools/p/drain?dry_run=yes", "", 400, `dry_run: want true or false, got \"yes\"`)
	f("DELETE", curtailmentsPath+"?groups=x", "", 400, "want group or dry_run")

	token = readToken
	f("POST", "/api/v1/pools/p/drain?dry_run=true", "", 403, "scope admin")
	f("GET", weights, "", 200, "hall-1")
	f("PUT", weights, `{"weights":{"main":1}}`, 403, "scope admin")
	f("POST", "/api/v1/workers/farm.rig1/move", `{"goal":"x"}`, 403, "scope admin")
	f("POST", "/api/v1/pools/p/drain", "", 403, "scope admin")

	if got, want := strings.Join(clerk.lines, "\n"), "weights of hall-1: map[main:10 other:90]\nweights of hall-1: map[main:1]\nweights of hall-1: map[main:1]\n"; !strings.HasPrefix(got, want) {
		t.Errorf("ordered:\n%s", got)
	}
	for _, want := range []string{
		`msg="weights set" route=hall-1 weights="map[main:10 other:90]" until=2026-01-02T11:04:05Z by=ann address=0.0.0.0`,
		`msg="weights set" route=hall-1 weights=map[main:1] until="taken back" by=ann`,
		`msg="weights taken back" route=hall-1 by=ann`,
		`msg="worker moved" worker=farm.rig1 route=hall-1 goal=other moved=2 refused=1 until=now by=ann`,
		`msg="worker pinned" worker=farm.rig1 route=hall-1 goal="" moved=2 refused=1 until="taken back" by=ann`,
		`msg="pin taken back" worker=farm.rig1 by=ann`,
		`msg="pool disabled" pool=p.example:3333 until="taken back" by=ann`,
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, logged.String())
		}
	}
}
