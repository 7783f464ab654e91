package main

import (
	"strings"
	"testing"
	"time"

	"farmproxy/alert"
	"farmproxy/api"
)

// What is wrong is a table of 80 columns, and below it in full, with what to do.
func TestAlerts(t *testing.T) {
	since := time.Now().Add(-200 * time.Minute)
	until := since.Add(time.Hour)
	here := strings.NewReplacer("<since>", since.Local().Format(minutes), "<until>", until.Local().Format(minutes))
	off := api.Curtailment{Group: "hall-2", From: since, Reason: "the grid", Note: api.MakeNote("user anna", since, until)}
	list := []alert.Alert{
		{Rule: "group_down", Subject: "hall-1", State: alert.Firing, Severity: alert.Page, Since: since, Text: "All 40 workers of hall-1 have been silent since 12:00", Do: "Look at that hall or rack: power, network."},
		{Rule: "pool_down", Subject: "a", State: alert.Firing, Severity: alert.Ticket, Since: since, Text: "Pool a\x1b[2J is down: timeout", Do: "farmproxy pools says why."},
		{Rule: "pool_down", Subject: "b", State: alert.Firing, Severity: alert.Ticket, Since: since, Text: "Pool b is down: timeout", Do: "farmproxy pools says why."},
		{Rule: "disk", Subject: "/var", State: alert.Pending, Severity: alert.Ticket, Since: since, Text: "The disk of /var has 50 MB free of 200"},
		{Rule: "full", State: alert.Resolved, Severity: alert.Page, Since: since, Until: &until, Text: "There is room for more miners"},
	}
	f := func(a api.AlertList, want string) {
		t.Helper()
		c := newClerk(t, map[string]any{"alerts": a})
		code, got, said := invoke(t, "alerts", "-socket", c.socket)
		if want = here.Replace(want); code != exitOK || said != "" || got != want {
			t.Errorf("%d %s\n%s\nwant\n%s", code, said, got, want)
		}
	}
	f(api.AlertList{}, "farmproxy has just started, and has not looked for trouble yet: ask again in 15 seconds.\n")
	f(api.AlertList{Alerts: list[4:]}, `farmproxy has just started, and has not looked for trouble yet: this is what was wrong before.
STATE     SEVERITY  FOR  RULE  WHAT
resolved  page      3 h  full  There is room for more miners
`)
	f(api.AlertList{LookedAt: &since}, "Nothing is wrong.\n")
	f(api.AlertList{LookedAt: &since, CutOffSince: &since, Curtailments: []api.Curtailment{off}}, `Neither a pool nor a channel can be reached since <since>: messages wait.
Nothing is wrong.
group hall-2: off on purpose from <since> until <until>, by user anna: the grid
`)
	f(api.AlertList{LookedAt: &since, Alerts: list}, `STATE     SEVERITY  FOR  RULE        WHAT
firing    page      3 h  group_down  All 40 workers of hall-1 have been silent …
firing    ticket    3 h  pool_down   Pool a?[2J is down: timeout
firing    ticket    3 h  pool_down   Pool b is down: timeout
pending   ticket    3 h  disk        The disk of /var has 50 MB free of 200
resolved  page      3 h  full        There is room for more miners

All 40 workers of hall-1 have been silent since 12:00
Look at that hall or rack: power, network.

Pool a?[2J is down: timeout (since <since>)
farmproxy pools says why.

Pool b is down: timeout (since <since>)

The disk of /var has 50 MB free of 200 (since <since>)
`)
}

// In a pipe, and with -wide, nothing is cut.
func TestNothingIsCutInAPipe(t *testing.T) {
	long := strings.Repeat("All workers of a hall are down. ", 3)
	c := newClerk(t, map[string]any{
		"alerts":  api.AlertList{Alerts: []alert.Alert{{Rule: "group_down", State: alert.Resolved, Text: long}}},
		"orders":  api.OrderList{Orders: []api.Order{{Kind: "pin", Name: "farm." + long, What: long, Effective: true}}},
		"pools":   api.PoolStates{Pools: make([]api.PoolState, 1)},
		"workers": api.Workers{Workers: []api.Worker{{Name: long}}},
	})
	f := func(line string, columns int, cut bool) {
		t.Helper()
		var out, said strings.Builder
		code := dispatch(t.Context(), append(strings.Fields(line), "-socket", c.socket), terminal{&out, &said, columns})
		if code != exitOK || said.Len() > 0 || strings.Contains(out.String(), "…") != cut {
			t.Errorf("farmproxy %s, %d columns: %d %s\n%s", line, columns, code, said.String(), out.String())
		}
	}
	for _, line := range []string{"alerts", "orders", "workers"} {
		f(line, 80, true)
		f(line, 0, false)
		f(line, 300, false)
		f(line+" -wide", 80, false)
	}
	f("pools -wide", 80, false)
}

// Each case is a command line, what it asks of the running farmproxy, and what it prints.
func TestCurtail(t *testing.T) {
	since := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	here := strings.NewReplacer("<since>", since.Local().Format(minutes), "<until>", since.Add(time.Hour).Local().Format(minutes), "<later>", time.Now().Add(48*time.Hour).Format(time.RFC3339))
	off := api.Curtailment{From: since, Note: api.MakeNote("user anna", since, since.Add(time.Hour))}
	c := newClerk(t, map[string]any{"curtail": off, "curtail end": nil, "curtail list": api.Curtailments{Curtailments: []api.Curtailment{off}}})
	f := func(line, asked, want string) {
		t.Helper()
		line, asked, want = here.Replace(line), here.Replace(asked), here.Replace(want)
		code, got, said := invoke(t, append(strings.Fields(line), "-socket", c.socket)...)
		if code != exitOK || said != "" || c.asked != asked || got != want {
			t.Errorf("farmproxy %s: %d %s\nasked %s\nwant  %s\n%s", line, code, said, c.asked, asked, got)
		}
	}
	const all = "all miners: off on purpose from <since> until <until>, by user anna\n"
	f("curtail", "curtail list null", all)
	f("curtail -for 1h", `curtail {"for":"1h"}`, all)
	f("curtail hall-1 -from <later> -for 1h -reason grid", `curtail {"for":"1h","from":"<later>","group":"hall-1","reason":"grid"}`, all)
	f("curtail hall-1 -end", `curtail end {"group":"hall-1"}`, "group hall-1: not off on purpose any more\n")
	f("curtail -end", `curtail end {}`, "all miners: not off on purpose any more\n")
}
