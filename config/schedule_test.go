package config

import (
	"strings"
	"testing"
	"time"
)

// scheduled is a route with a period.
const scheduled = smallest + oneRoute + `[[route.goal.schedule]]
days   = "mon-fri"
from   = "22:00"
to     = "06:00"
zone   = "Europe/Berlin"
weight = 90
`

// What a period means; Thursday's night begins on Thursday in Berlin.
func TestSchedule(t *testing.T) {
	p := mustParse(t, scheduled).Routes[0].Goals[0].Schedule[0]
	w := p.Wish()
	if w.From.String() != "22:00" || w.To.String() != "06:00" || w.Zone.String() != "Europe/Berlin" || w.Weight != 90 {
		t.Errorf("%+v", w)
	}
	if p := mustParse(t, smallest+oneRoute+onePeriod).Routes[0].Goals[0].Schedule[0].Wish(); p.Zone != time.Local || p.Days != 127 {
		t.Errorf("%+v", p)
	}
}

func TestMistakesInSchedules(t *testing.T) {
	f := func(old, new, key, want string) {
		t.Helper()
		wantProblem(t, strings.Replace(scheduled, old, new, 1), "route[1].goal[1].schedule[1]."+key, want)
	}
	f(`"mon-fri"`, `"weekdays"`, "days", "expected days and ranges of days")
	f(`"22:00"`, `"22h"`, "from", `expected a time of day from "00:00" to "24:00"; try "22:00"`)
	f(`"06:00"`, `"25:00"`, "to", "expected a time of day")
	f(`from   = "22:00"`, ``, "from", "required: a time of day")
	f(`"Europe/Berlin"`, `"CEST+1"`, "zone", `expected a time zone of the IANA database; try "Europe/Berlin"`)
	f(`weight = 90`, ``, "weight", "required: the goal's weight at that time")
	f(`weight = 90`, `weight = -1`, "weight", "expected 0 to 1000000")
	f(`weight = 90`, `weight = 0`, "weight", "")
	f(`days `, `day `, "day", "no such key in route[1].goal[1].schedule[1]; try days")
	wantProblem(t, smallest+oneRoute+strings.Repeat(onePeriod, MaxPeriods+1), "route[1].goal[1].schedule", "expected at most 64 periods, found 65")
	wantProblem(t, strings.Replace(scheduled, "[[route.goal.schedule]]", "[route.goal.schedule]", 1), "route[1].goal[1].schedule", "expected a list of tables")
}

// A change of a schedule names the route, the goal and the period.
func TestChangesOfSchedules(t *testing.T) {
	f := func(old, new, want string) {
		t.Helper()
		var said []string
		for _, c := range Changes(mustParse(t, scheduled), mustParse(t, strings.Replace(scheduled, old, new, 1))) {
			said = append(said, c.String())
		}
		if got := strings.Join(said, "\n"); got != want {
			t.Errorf("%q to %q\ngot  %s\nwant %s", old, new, got, want)
		}
	}
	const at = "route hall-1, goal main, schedule mon-fri 22:00-06:00 Europe/Berlin"
	f("90", "80", "set "+at+": weight from 90 to 80")
	f("90", "90", "")
	f(`"22:00"`, `"21:00"`, "remove "+at+"\nadd route hall-1, goal main, schedule mon-fri 21:00-06:00 Europe/Berlin")
	f(scheduled[strings.Index(scheduled, "[[route.goal.schedule"):], "", "remove "+at)
}
