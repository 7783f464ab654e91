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

// name says when the period is, for changes.
func (p *Period) name() string {
	days, zone := p.Days, p.Zone
	if days == "" {
		days = "daily"
	}
	if zone != "" {
		zone = " " + zone
	}
	return days + " " + p.From + "-" + p.To + zone
}

// Wish returns the period as package wish has it. The configuration must have been checked.
func (p *Period) Wish() (w wish.Period) {
	w.Days, _ = wish.ParseDays(p.Days)
	w.From, _ = wish.ParseClock(p.From)
	w.To, _ = wish.ParseClock(p.To)
	w.Zone, _ = wish.LoadZone(p.Zone)
	w.Weight = p.Weight
	return w
}

// schedule checks the periods of a goal.
func (g *Goal) schedule(ps *Problems, key string) {
	if n := len(g.Schedule); n > MaxPeriods {
		ps.add(key, "", fmt.Sprintf("expected at most %d periods, found %d", MaxPeriods, n), "several days in one of them")
	}
	for i := range g.Schedule {
		p, at := &g.Schedule[i], fmt.Sprintf("%s[%d]", key, i+1)
		if _, err := wish.ParseDays(p.Days); err != nil {
			ps.add(at+".days", show(p.Days), "expected days and ranges of days: mon, tue, wed, thu, fri, sat, sun", `"mon-fri" or "sat,sun"`)
		}
		clock(ps, at+".from", p.From, `"22:00"`)
		clock(ps, at+".to", p.To, `"06:00"`)
		if _, err := wish.LoadZone(p.Zone); err != nil {
			ps.add(at+".zone", show(p.Zone), "expected a time zone of the IANA database", `"Europe/Berlin", "America/Chicago" or "UTC"`)
		}
		switch w := p.Weight; {
		case math.IsNaN(w):
			ps.add(at+".weight", "", "required: the goal's weight at that time", "90, or 0 for nothing")
		case wish.CheckWeight(w) != nil:
			ps.add(at+".weight", show(w), fmt.Sprintf("expected 0 to %d", wish.MaxWeight), "90, or 0 for nothing")
		}
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
