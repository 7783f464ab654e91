package main

import (
	"strings"
	"testing"
	"time"

	"farmproxy/api"
)

// Goals in one table, as wide as a terminal; what there is no room for stands below.
func TestRoutes(t *testing.T) {
	until := time.Date(2026, 11, 27, 6, 0, 0, 0, time.UTC)
	wished, main, second := 0.7, 0.6931, 0.3069
	k := newClerk(t, map[string]any{"routes": api.Routes{Routes: []api.RouteState{{Route: "hall-1", Miners: 1000, Goals: []api.GoalState{
		{Goal: "main", Up: true, Weight: 90, Source: "schedule", Until: &until, Wish: 0.75, Wished: &wished, Part: &main, Miners: 692, Fits: 1000, HashRate: 68.5e15, Moves: map[string]uint64{"balance": 12, "pin": 1}},
		{Goal: "second-goal-with-a-long-name", Weight: 30, Source: "configuration", Wish: 0.25, Part: &second, Miners: 308, Fits: 997, HashRate: 31e15, Refused: map[string]uint64{"too_small": 3, "agent": 1}},
	}}}}})
	code, out, said := invoke(t, "routes", "-socket", k.socket)
	want := `ROUTE   GOAL          WEIGHT  WISH %  WISHED %  PART %  MINERS  HASH RATE  MOVED
hall-1  main              90    75.0      70.0    69.3     692  68.5 PH/s     13
hall-1  second-goal…      30    25.0         -    30.7     308  31.0 PH/s      0
hall-1, main: weight 90, source schedule, until ` + until.Local().Format(minutes) + `
hall-1, second-goal-with-a-long-name: down, none of its pools works or may be used
hall-1, second-goal-with-a-long-name: only 997 of 1000 miners can work there, by their extranonce2 and version bits
hall-1, second-goal-with-a-long-name: 1 moves there were refused: agent
hall-1, second-goal-with-a-long-name: 3 moves there were refused: too_small
`
	if code != exitOK || said != "" || out != want {
		t.Errorf("%d %s\n%s", code, said, out)
	}
	table, _, _ := strings.Cut(out, "hall-1, main")
	for line := range strings.Lines(table) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > helpWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	k = newClerk(t, map[string]any{"routes": api.Routes{}})
	if _, out, _ := invoke(t, "routes", "-socket", k.socket); !strings.HasPrefix(out, "no route is split") {
		t.Error(out)
	}
}
