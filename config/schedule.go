package config

import (
	"fmt"
	"math"

	"farmproxy/wish"
)

// Period is a goal's weight at times. The first one of a goal that is in force counts.
type Period struct {
	Days   string  `toml:"days"`   // "mon-fri", "sat,sun"; "": every day
	From   string  `toml:"from"`   // "22:00"
	To     string  `toml:"to"`     // "06:00"; not after From: on the next day
	Zone   string  `toml:"zone"`   // of the IANA database; "": the machine's
	Weight float64 `toml:"weight"` // as of a goal
}

// defaultPeriod is the starting point for each [[route.goal.schedule]]: its weight must be
// given, and 0 is one.
func defaultPeriod() Period { return Period{Weight: math.NaN()} }

// When says when the period is, as the page does.
func (p *Period) When() string { return hoursName(p.Days, p.From, p.To, p.Zone) }

// Wish returns the period as package wish has it. The configuration must have been checked.
func (p *Period) Wish() wish.Period {
	w := hoursOf(p.Days, p.From, p.To, p.Zone)
	w.Weight = p.Weight
	return w
}

// hoursOf returns hours of some days as package wish has them. They must have been checked.
func hoursOf(days, from, to, zone string) (w wish.Period) {
	w.Days, _ = wish.ParseDays(days)
	w.From, _ = wish.ParseClock(from)
	w.To, _ = wish.ParseClock(to)
	w.Zone, _ = wish.LoadZone(zone)
	return w
}

// hoursName names hours of some days, and what they are of; "": all, or the machine's zone.
func hoursName(days, from, to, of string) string {
	if days == "" {
		days = "daily"
	}
	if of != "" {
		of = " " + of
	}
	return days + " " + from + "-" + to + of
}

// schedule checks the periods of a goal.
func (g *Goal) schedule(ps *Problems, key string) {
	if n := len(g.Schedule); n > MaxPeriods {
		ps.add(key, "", fmt.Sprintf("expected at most %d periods, found %d", MaxPeriods, n), "several days in one of them")
	}
	for i := range g.Schedule {
		p, at := &g.Schedule[i], fmt.Sprintf("%s[%d]", key, i+1)
		weekdays(ps, at+".days", p.Days)
		clock(ps, at+".from", p.From, `"22:00"`)
		clock(ps, at+".to", p.To, `"06:00"`)
		timeZone(ps, at+".zone", p.Zone)
		switch w := p.Weight; {
		case math.IsNaN(w):
			ps.add(at+".weight", "", "required: the goal's weight at that time", "90, or 0 for nothing")
		case wish.CheckWeight(w) != nil:
			ps.add(at+".weight", show(w), fmt.Sprintf("expected 0 to %d", wish.MaxWeight), "90, or 0 for nothing")
		}
	}
}

// weekdays checks days of the week.
func weekdays(ps *Problems, key, text string) {
	if _, err := wish.ParseDays(text); err != nil {
		ps.add(key, show(text), "expected days and ranges of days: mon, tue, wed, thu, fri, sat, sun", `"mon-fri" or "sat,sun"`)
	}
}

// timeZone checks the name of a time zone.
func timeZone(ps *Problems, key, text string) {
	if _, err := wish.LoadZone(text); err != nil {
		ps.add(key, show(text), "expected a time zone of the IANA database", `"Europe/Berlin", "America/Chicago" or "UTC"`)
	}
}

// clock checks a time of day.
func clock(ps *Problems, key, text, example string) {
	if text == "" {
		ps.add(key, "", "required: a time of day", example)
		return
	}
	if _, err := wish.ParseClock(text); err != nil {
		ps.add(key, show(text), `expected a time of day from "00:00" to "24:00"`, example)
	}
}
