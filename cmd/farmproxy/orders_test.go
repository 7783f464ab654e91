package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"farmproxy/admin"
	"farmproxy/api"
)

// clerk is a farmproxy that answers some commands, with a journal of what it was asked.
type clerk struct {
	socket string
	asked  string
}

// newClerk returns one with an answer for each command.
func newClerk(t *testing.T, answers map[string]any) *clerk {
	t.Helper()
	c := &clerk{socket: t.TempDir() + "/admin.sock"}
	s := admin.New(slog.New(slog.DiscardHandler))
	for name, answer := range answers {
		s.Handle(name, func(_ context.Context, call *admin.Call) (any, error) {
			var args map[string]any
			if err := call.Args(&args); err != nil {
				return nil, err
			}
			text, err := json.Marshal(args)
			c.asked = name + " " + string(text)
			return answer, err
		})
	}
	l, err := admin.Listen(c.socket)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	return c
}

// Each case is a command line, what it asks of the running farmproxy, and what it prints.
func TestOrders(t *testing.T) {
	since := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	end := since.Add(18 * time.Hour)
	here := strings.NewReplacer("<since>", since.Local().Format(minutes), "<end>", end.Local().Format(minutes), "<later>", time.Now().Add(48*time.Hour).Format(time.RFC3339))
	held, timed := api.MakeNote("user anna", since, time.Time{}), api.MakeNote("user anna", since, end)
	weights := api.RouteWeights{Route: "hall-1", Order: &timed, Goals: []api.GoalWeight{
		{Goal: "main", Weight: 10, Source: "order", Until: &end, Configured: 70, Fraction: 0.1},
		{Goal: "second", Weight: 90, Source: "order", Until: &end, Configured: 30, Fraction: 0.9},
	}}
	c := newClerk(t, map[string]any{
		"weights": weights, "weights set": weights,
		"weights reset":         api.RouteWeights{Route: "hall-1", Goals: []api.GoalWeight{{Goal: "main", Weight: 70, Source: "configuration", Configured: 70, Fraction: 1}}},
		"move":                  api.Moved{Worker: "farm.rig1", Route: "hall-1", Goal: "second", Moved: 1, Refused: []api.Refused{{Miners: 2, Reason: "its extranonce2 is too small"}}},
		"pin":                   api.Moved{Worker: "farm.rig1", Route: "hall-1", Goal: "second", Moved: 2, Stayed: 1, Pin: &held},
		"unpin":                 nil,
		"drain":                 api.PoolOrder{Pool: "a", State: "drained", Order: &timed},
		"disable":               api.PoolOrder{Pool: "a", State: "disabled", Order: &held},
		"enable":                api.PoolOrder{Pool: "a", State: "enabled"},
		"drain dry-run":         api.OrderEffects{DryRun: true, Effects: []string{"From a to b: 7 miners.", "No miner is disconnected."}},
		"weights set dry-run":   api.OrderEffects{DryRun: true, Effects: []string{"Route hall-1 is divided otherwise."}},
		"weights reset dry-run": api.OrderEffects{DryRun: true, Effects: []string{"Route hall-1 is divided otherwise."}},
		"move dry-run":          api.OrderEffects{DryRun: true, Effects: []string{"To goal second: 1 miner."}},
		"unpin dry-run":         api.OrderEffects{DryRun: true, Effects: []string{"rig stays."}},
		"curtail dry-run":       api.OrderEffects{DryRun: true, Effects: []string{"No alert."}},
		"curtail end dry-run":   api.OrderEffects{DryRun: true, Effects: []string{"Alerts."}},
		"orders": api.OrderList{Orders: []api.Order{
			{Kind: "weights", Name: "hall-1", What: "main 10, second 90", Note: timed, Effective: true},
			{Kind: "curtailment", What: "miners off on purpose", Note: timed, Effective: true},
			{Kind: "pin", Name: "farm.hall-1-rack-07-rig-0001", What: "at goal second of route hall-2", Note: held},
		}},
	})
	f := func(line, asked, out string) {
		t.Helper()
		line, asked, out = here.Replace(line), here.Replace(asked), here.Replace(out)
		c.asked = ""
		code, got, said := invoke(t, append(strings.Fields(line), "-socket", c.socket)...)
		if code != exitOK || said != "" || c.asked != asked || got != out {
			t.Errorf("farmproxy %s: %d %s\nasked %s\nwant  %s\n%s", line, code, said, c.asked, asked, got)
		}
	}
	const table = `GOAL    WEIGHT  WISH %  SOURCE  UNTIL             CONFIGURED
main        10    10.0  order   <end>          70
second      90    90.0  order   <end>          30
ordered by user anna, since <since>, until <end>
`
	f("weights hall-1", `weights {"route":"hall-1","weights":null}`, table)
	f("weights hall-1 main=10 second=90 -for 18h", `weights set {"for":"18h","route":"hall-1","weights":{"main":10,"second":90}}`, table)
	f("weights hall-1 a=b=0.5 -until <later> -for=", `weights set {"route":"hall-1","until":"<later>","weights":{"a=b":0.5}}`, table)
	f("weights hall-1 -reset", `weights reset {"route":"hall-1","weights":null}`, "GOAL  WEIGHT  WISH %  SOURCE         UNTIL  CONFIGURED\nmain      70   100.0  configuration  -              70\n")
	f("move farm.rig1 second", `move {"goal":"second","worker":"farm.rig1"}`, "farm.rig1: goal second of route hall-1: 1 miner moved\n2 miners not moved: its extranonce2 is too small\n")
	f("pin farm.rig1 -route hall-1", `pin {"route":"hall-1","worker":"farm.rig1"}`, "farm.rig1: goal second of route hall-1: 2 miners moved, 1 there already\npinned by user anna, since <since>\n")
	f("unpin farm.rig1", `unpin {"worker":"farm.rig1"}`, "farm.rig1: not pinned any more\n")
	f("drain a -for 18h", `drain {"for":"18h","pool":"a"}`, "a: drained by user anna, since <since>, until <end>\n")
	f("disable a", `disable {"pool":"a"}`, "a: disabled by user anna, since <since>\n")
	f("enable a", `enable {"pool":"a"}`, "a: enabled\n")
	const dry = "Nothing was changed: this was a dry run.\n"
	f("drain a -for 18h -dry-run", `drain dry-run {"for":"18h","pool":"a"}`, "From a to b: 7 miners.\nNo miner is disconnected.\n"+dry)
	f("weights hall-1 main=1 -dry-run", `weights set dry-run {"route":"hall-1","weights":{"main":1}}`, "Route hall-1 is divided otherwise.\n"+dry)
	f("weights hall-1 -reset -dry-run", `weights reset dry-run {"route":"hall-1","weights":null}`, "Route hall-1 is divided otherwise.\n"+dry)
	f("move farm.rig1 second -dry-run", `move dry-run {"goal":"second","worker":"farm.rig1"}`, "To goal second: 1 miner.\n"+dry)
	f("unpin farm.rig1 -dry-run", `unpin dry-run {"worker":"farm.rig1"}`, "rig stays.\n"+dry)
	f("curtail -for 3h -dry-run", `curtail dry-run {"for":"3h"}`, "No alert.\n"+dry)
	f("curtail hall-1 -end -dry-run -json", `curtail end dry-run {"group":"hall-1"}`, `{"dry_run":true,"effects":["Alerts."]}`+"\n")
	f("orders", "orders null", `ORDER        OF                  WHAT                BY         UNTIL
weights      hall-1              main 10, second 90  user anna  <end>
curtailment  all miners          miners off on pur…  user anna  <end>
pin*         farm.hall-1-rack-…  at goal second of…  user anna  -
`)
}

// A script hears that a move was not made.
func TestAMoveThatIsNotMade(t *testing.T) {
	c := newClerk(t, map[string]any{"move": api.Moved{Worker: "farm.rig1", Route: "hall-1", Goal: "second", Refused: []api.Refused{{Miners: 2, Reason: "its extranonce2 is too small"}}}})
	code, out, said := invoke(t, "move", "farm.rig1", "second", "-socket", c.socket)
	if code != exitFailed || out != "farm.rig1: goal second of route hall-1: 0 miners moved\n2 miners not moved: its extranonce2 is too small\n" || !strings.Contains(said, `no miner of worker "farm.rig1" was moved`) {
		t.Errorf("%d %s\n%s", code, said, out)
	}
}

// A refusal names the command as it was typed.
func TestOrdersThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	listening(t, dir, "weights set", func(context.Context, *admin.Call) (any, error) {
		return nil, errors.New(`route "hall-1" has no goal "mian"`)
	})
	code, out, said := invoke(t, "weights", "hall-1", "mian=1", "-socket", dir+"/admin.sock")
	if want := "farmproxy weights: route \"hall-1\" has no goal \"mian\"\n"; code != exitFailed || out != "" || said != want {
		t.Errorf("%d %q %q, want %q", code, out, said, want)
	}
}

// What makes no sense is said before anybody is asked.
func TestOrdersThatMakeNoSense(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		code, out, said := invoke(t, append(strings.Fields(line), "-socket", "/nowhere/admin.sock")...)
		if code != exitMisused || out != "" || !strings.Contains(said, want) {
			t.Errorf("farmproxy %s: %d %s\n%s\nwant %s", line, code, out, said, want)
		}
	}
	f("weights", "name a route")
	f("weights hall-1 main", `"main": expected GOAL=WEIGHT, for example main=70`)
	f("weights hall-1 =7", `"=7": expected GOAL=WEIGHT`)
	f("weights hall-1 main=much", `"main=much": expected GOAL=WEIGHT`)
	f("weights hall-1 main=1 main=2", `"main=2": goal main has a weight already`)
	f("weights hall-1 -for 1h", "-for and -until need weights")
	f("weights hall-1 main=1 -reset", "-reset takes a route and nothing else")
	f("weights hall-1 main=1 -for 1", `want a duration such as "90m"`)
	f("weights hall-1 main=1 -until 2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z is over")
	f("weights hall-1 -dry-run", "-dry-run needs weights")
	f("curtail -dry-run", "-dry-run needs -for, -until or -end")
	f("move farm.rig1", "name a worker and a goal")
	f("pin", "name a worker and a goal")
	f("pin a b c", "name a worker and a goal")
	f("unpin", "name a worker")
	f("drain", "name a pool")
	f("enable a -for 1h", "flag provided but not defined: -for")
	f("curtail a b -for 1h", "name one group, or none for all miners; farmproxy workers -wide lists groups")
	f("curtail -for 1000000h", "until and for: want ten years at most\n")
	f("curtail hall-1", "say for how long with -for, or until when with -until: a curtailment needs an end")
	f("curtail -end -for 1h", "-end takes a group and nothing else")
	f("curtail -for 1h -from noon", `-from "noon": expected 17:00`)
	f("curtail -for 1", `want a duration such as "90m"`)
	f("workers -up -down", "there is nobody who is both")
	f("workers -n -1", "expected a whole number from 0")
	f("workers x", `unexpected "x"`)
}

// Pools in one table, and below it why one is not used.
func TestPools(t *testing.T) {
	since := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	var a, b, c, d api.PoolState
	a.Name, a.Up, a.Active, a.Extranonce2, a.Miners, a.HashRate = "pool-a", true, true, 8, 1000, 123.4e15
	a.Accepted, a.Rejected = 1000, map[string]uint64{"link_lost": 900} // of its miners, which is another figure
	b.Name, b.Up, b.Extranonce2 = "backup.example.with-a-very-long-name:3333", true, 4
	a.Audit = new(api.PoolAudit)
	a.Audit.Accepted, a.Audit.Rejected = 199, map[string]uint64{"stale": 1}
	a.Audit.Difficulty, a.Audit.Latency.P50, a.Audit.Latency.P99 = 65536, 0.034, 0.1
	a.Audit.Blocks.Told, a.Audit.Blocks.First, a.Audit.Blocks.Missed, a.Audit.Blocks.Lag.Mean, a.Audit.Blocks.Lag.P99 = 20, 12, 1, 0.25, 3
	b.Audit = new(api.PoolAudit)
	b.Audit.CertificateEnds, b.Audit.CertificatePinned = &since, true
	c.Name, c.LastError = "pool-c", "connect to c:1: connection refused"
	d.Name, d.Up, d.State = "pool-d", true, "drained"
	n := api.MakeNote("user anna", since, time.Time{})
	d.Order = &n
	var e api.PoolState
	e.Name, e.State, e.Order, e.LastError = "pool-e", "disabled", &n, "drained or disabled by the operator"
	k := newClerk(t, map[string]any{"pools": api.PoolStates{Pools: []api.PoolState{a, b, c, d, e}}})
	code, out, said := invoke(t, "pools", "-socket", k.socket)
	want := `POOL                   STATE     MINERS  HASH RATE  ACCEPTED  REJ %  EXTRANONCE2
pool-a                 active     1,000   123 PH/s       199   0.50      8 bytes
backup.example.with-…  up             0      0 H/s         0      -      4 bytes
pool-c                 down           0      0 H/s         0      -            ?
pool-d                 drained        0      0 H/s         0      -            ?
pool-e                 disabled       0      0 H/s         0      -            ?
pool-a: difficulty 65,536, verdict p50 34 ms
pool-a: 12 of 20 blocks told first, mean lag 250 ms, 1 missed, 0 empty
backup.example.with-a-very-long-name:3333: its certificate ends on ` + since.Local().Format(time.DateOnly) + `; tls_fingerprint refuses a renewed one
pool-c: connect to c:1: connection refused
pool-d: drained by user anna, since ` + since.Local().Format(minutes) + `
pool-e: disabled by user anna, since ` + since.Local().Format(minutes) + "\n"
	if code != exitOK || said != "" || out != want {
		t.Errorf("%d %s\n%s", code, said, out)
	}
}

// Without orders there is a sentence, and no empty table.
func TestNoOrders(t *testing.T) {
	k := newClerk(t, map[string]any{"orders": api.OrderList{}})
	code, out, said := invoke(t, "orders", "-socket", k.socket)
	if code != exitOK || said != "" || !strings.HasPrefix(out, "nothing is ordered: weights, move, pin, drain, disable and curtail do that") {
		t.Errorf("%d %s\n%s", code, said, out)
	}
}
