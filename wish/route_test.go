package wish

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var thursday = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// A goal's weight is an operator's, else the schedule's, else the configuration's; and it is
// known how long.
func TestWeights(t *testing.T) {
	r := Route{"hall-1", []Goal{
		{"main", 70, []Period{mustPeriod(t, "22:00 06:00", "UTC", 90), mustPeriod(t, "05:00 08:00", "UTC", 50)}},
		{"other", 30, nil},
	}}
	var o Orders
	f := func(now, want string) {
		t.Helper()
		at, err := time.Parse("2006-01-02 15:04", now)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range o.Weights(&r, at) {
			until := "for good"
			if !w.Until.IsZero() {
				until = w.Until.UTC().Format("02 15:04")
			}
			got = append(got, fmt.Sprintf("%s %v of %v by %v, %s", w.Goal, w.Weight, w.Configured, w.Source, until))
		}
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", now, got, want)
		}
	}
	const other = "; other 30 of 30 by configuration, for good"
	f("2026-11-26 12:00", "main 70 of 70 by configuration, 26 22:00"+other)
	f("2026-11-26 22:00", "main 90 of 70 by schedule, 27 06:00"+other)
	f("2026-11-27 05:30", "main 90 of 70 by schedule, 27 06:00"+other) // the first one counts
	f("2026-11-27 06:00", "main 50 of 70 by schedule, 27 08:00"+other)

	until := thursday.Add(20 * time.Hour)
	if err := o.Weigh(&r, RouteWeights{Note{"anna", thursday, until}, map[string]float64{"main": 10, "other": 90}}); err != nil {
		t.Fatal(err)
	}
	f("2026-11-26 22:00", "main 10 of 70 by order, 27 08:00; other 90 of 30 by order, 27 08:00")
	f("2026-11-27 08:00", "main 70 of 70 by configuration, 27 22:00"+other)

	r.Goals = append(r.Goals, Goal{"new", 5, nil}) // by a reload
	f("2026-11-26 22:00", "main 10 of 70 by order, 27 08:00; other 90 of 30 by order, 27 08:00; new 5 of 5 by configuration, for good")
}

// A schedule that says the same as the configuration never changes anything.
func TestAScheduleWithoutEffect(t *testing.T) {
	f := func(want string, periods ...Period) {
		t.Helper()
		g := Goal{"main", 70, periods}
		got := "never"
		if c := g.changes(thursday); !c.IsZero() {
			got = c.Format("Mon 15:04")
		}
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f("never")
	f("never", mustPeriod(t, "00:00 24:00", "UTC", 90))
	f("Thu 22:00", mustPeriod(t, "22:00 06:00", "UTC", 70)) // the source changes, which is shown
	f("Wed 09:00", mustPeriod(t, "wed 09:00 10:00", "UTC", 1))
	f("never", mustPeriod(t, "00:00 12:00", "UTC", 5), mustPeriod(t, "12:00 00:00", "UTC", 5))
}

// Who gets which part: by weight among those that work.
func TestFractions(t *testing.T) {
	f := func(goals, want string) { // "a 70, b! 30": ! does not work
		t.Helper()
		var weights []Weight
		down := make(map[string]bool)
		for part := range strings.SplitSeq(goals, ", ") {
			var w Weight
			if _, err := fmt.Sscanf(part, "%s %f", &w.Goal, &w.Weight); err != nil {
				t.Fatal(err)
			}
			name, isDown := strings.CutSuffix(w.Goal, "!")
			w.Goal, down[name] = name, isDown
			weights = append(weights, w)
		}
		var got []string
		sum := 0.0
		for _, x := range Fractions(weights, func(goal string) bool { return !down[goal] }) {
			sum += x
			got = append(got, fmt.Sprintf("%.3g", x))
		}
		if got := strings.Join(got, " "); got != want || math.Abs(sum-1) > 1e-12 {
			t.Errorf("%s: %s, want %s; the sum is %v", goals, got, want, sum)
		}
	}
	f("a 70, b 30", "0.7 0.3")
	f("a 7, b 3", "0.7 0.3")
	f("a 1, b 1, c 2", "0.25 0.25 0.5")
	f("a 70, b! 30", "1 0")
	f("a! 50, b 30, c 20", "0 0.6 0.4")
	f("a 70, b 30, spare 0", "0.7 0.3 0")
	f("a! 70, b! 30, spare 0", "0 0 1")
	f("a! 70, b! 30, spare 0, more 0", "0 0 0.5 0.5")
	f("a! 70, b! 30", "0.7 0.3") // nobody works: as if all did
	f("a! 0, b! 0", "0.5 0.5")
	f("a 0, b 0", "0.5 0.5") // by a schedule
	f("a 1", "1")
	f("a 1000000, b 1", "1 1e-06")
}
