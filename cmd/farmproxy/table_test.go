package main

import (
	"strings"
	"testing"
	"time"
)

// Columns stand under each other; a table that is too wide has its names cut, the last
// ones first, and never its numbers.
func TestTables(t *testing.T) {
	x := table{columns: []column{{title: "WORKER", least: 8}, {title: "POOL", least: 5}, {title: "ACCEPTED", right: true}}}
	x.add("farm.hall-1-rack-07-rig-0001", "pool.example:3333", "7")
	x.add("farm.a", "b", "123456789")
	f := func(width int, want string) {
		t.Helper()
		var b strings.Builder
		if err := x.print(&b, width); err != nil || b.String() != want {
			t.Errorf("width %d, %v\ngot\n%swant\n%s", width, err, b.String(), want)
		}
	}
	f(0, `WORKER                        POOL                ACCEPTED
farm.hall-1-rack-07-rig-0001  pool.example:3333          7
farm.a                        b                  123456789
`)
	f(50, `WORKER                        POOL        ACCEPTED
farm.hall-1-rack-07-rig-0001  pool.exa…          7
farm.a                        b          123456789
`)
	f(40, `WORKER                  POOL    ACCEPTED
farm.hall-1-rack-07-r…  pool…          7
farm.a                  b      123456789
`)
	f(1, `WORKER    POOL    ACCEPTED
farm.ha…  pool…          7
farm.a    b      123456789
`)
}

func TestAgo(t *testing.T) {
	now := time.Now()
	if then := now.Add(-5 * time.Minute); ago(&then, now) != "5 min" || ago(nil, now) != "never" {
		t.Error(ago(&then, now), ago(nil, now))
	}
}

// An end is read by the clock here; a time of day is the next one.
func TestUntil(t *testing.T) {
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, zone)
	f := func(text, want string) {
		t.Helper()
		end, err := readUntil(text, now)
		got := end.Format(time.RFC3339)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	f("18:00", "2026-11-26T18:00:00+01:00")
	f("06:00", "2026-11-27T06:00:00+01:00")
	f("12:00", "2026-11-27T12:00:00+01:00")
	f("2026-12-24 18:00", "2026-12-24T18:00:00+01:00")
	f("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z")
	f("6pm", `-until "6pm": expected 06:00, "2026-01-31 06:00" or 2026-01-31T06:00:00+01:00`)
}
