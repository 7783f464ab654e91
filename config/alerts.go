package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"farmproxy/alert"
	"farmproxy/wish"
)

// defaultAlertRule is the starting point for each [[alerts.rule]]; derive fills in what the
// file does not say.
func defaultAlertRule() AlertRule { return AlertRule{Enabled: true} }

// derive gives each [[alerts.rule]] what it does not say.
func (a *Alerts) derive(given keySet) {
	for i := range a.Rules {
		r := &a.Rules[i]
		is := alert.ByName(r.Name)
		key := func(name string) string { return fmt.Sprintf("alerts.rule[%d].%s", i+1, name) }
		if is != nil && !given[key("for")] {
			r.For = is.For
		}
		if is != nil && !given[key("threshold")] {
			r.Threshold = is.Threshold
		}
		if !given[key("cool_down")] {
			r.CoolDown = a.CoolDown
		}
	}
	for i := range a.Channels {
		if c := &a.Channels[i]; c.Name == "" {
			c.Name = c.Kind
		}
	}
	for i, host := range a.KnownPools {
		a.KnownPools[i] = strings.ToLower(strings.TrimSuffix(host, "."))
	}
}

// Location returns the zone of all times of alerts. The configuration must have been checked.
func (a *Alerts) Location() *time.Location {
	zone, err := wish.LoadZone(a.Zone)
	if err != nil {
		return time.Local
	}
	return zone
}

// Settings returns the alerts as package alert has them. The configuration must have been
// checked.
func (a *Alerts) Settings() alert.Settings {
	s := alert.Settings{
		Site: a.Site, Mute: !a.Enabled, CoolDown: a.CoolDown, Zone: a.Location(), Known: a.KnownPools,
		Rules: make(map[string]alert.RuleSetting),
	}
	if a.QuietFrom != "" {
		s.Quiet = hoursOf("", a.QuietFrom, a.QuietTo, a.Zone)
	}
	for _, r := range a.Rules {
		s.Rules[r.Name] = alert.RuleSetting{Off: !r.Enabled, For: r.For, Threshold: r.Threshold, CoolDown: r.CoolDown}
	}
	for _, c := range a.Curtailments {
		s.Curtailed = append(s.Curtailed, alert.Curtailment{Group: c.Group, Period: hoursOf(c.Days, c.From, c.To, a.Zone)})
	}
	return s
}

func (a *Alerts) validate(ps *Problems) {
	if a.Site != "" {
		plain(ps, "alerts.site", a.Site)
	}
	lasting(ps, "alerts.cool_down", a.CoolDown, 0, maxCoolDown, `"30m"`)
	timeZone(ps, "alerts.zone", a.Zone)
	switch {
	case a.QuietFrom == "" && a.QuietTo != "":
		ps.add("alerts.quiet_from", "", "required with alerts.quiet_to: when quiet hours begin", `"22:00"`)
	case a.QuietFrom != "":
		clock(ps, "alerts.quiet_from", a.QuietFrom, `"22:00"`)
		clock(ps, "alerts.quiet_to", a.QuietTo, `"06:00"`)
		if allDay(a.QuietFrom, a.QuietTo) {
			ps.add("alerts.quiet_to", show(a.QuietTo), fmt.Sprintf("quiet hours from %s never end: no ticket would ever be told", a.QuietFrom),
				`a time of day, such as "06:00"; without quiet hours, neither key; without tickets, gets = ["page", "report"] in each channel`)
		}
	}
	if n := len(a.KnownPools); n > MaxHosts {
		ps.add("alerts.known_pools", "", fmt.Sprintf("expected at most %d hosts, found %d", MaxHosts, n), "removing what is not used any more")
	}
	for i, host := range a.KnownPools {
		if host == "" || strings.ContainsAny(host, ":/ ") {
			ps.add(fmt.Sprintf("alerts.known_pools[%d]", i+1), show(host), "expected the host name of a pool, without scheme and port", `"pool.example"`)
		}
	}
	a.channels(ps)
	for i := range a.Rules {
		a.rule(ps, i)
	}
	if n := len(a.Curtailments); n > MaxPeriods {
		ps.add("alerts.curtailment", "", fmt.Sprintf("expected at most %d, found %d", MaxPeriods, n), "several days in one of them")
	}
	for i := range a.Curtailments {
		c, at := &a.Curtailments[i], fmt.Sprintf("alerts.curtailment[%d]", i+1)
		weekdays(ps, at+".days", c.Days)
		clock(ps, at+".from", c.From, `"17:00"`)
		clock(ps, at+".to", c.To, `"20:00"`)
	}
}

// allDay reports whether hours are all 24 of a day.
func allDay(from, to string) bool {
	f, err := wish.ParseClock(from)
	t, wrong := wish.ParseClock(to)
	return err == nil && wrong == nil && (f == t || f == 0 && t.String() == "24:00")
}

// warnings is about channels, and curtailments that never end.
func (a *Alerts) warnings(ps *Problems) {
	for i := range a.Channels {
		a.Channels[i].warnings(ps, fmt.Sprintf("alerts.channel[%d]", i+1))
	}
	for i := range a.Curtailments {
		c := &a.Curtailments[i]
		if days, err := wish.ParseDays(c.Days); err == nil && days == wish.EveryDay && allDay(c.From, c.To) {
			ps.add(fmt.Sprintf("alerts.curtailment[%d].to", i+1), show(c.To), fmt.Sprintf("from %s on, every day: it never ends, and no alert ever speaks of these miners", c.From),
				`hours, such as from = "17:00" and to = "20:00"; or the days on which it is, such as days = "sat,sun"`)
		}
	}
}

// rule checks one [[alerts.rule]].
func (a *Alerts) rule(ps *Problems, i int) {
	r, at := &a.Rules[i], fmt.Sprintf("alerts.rule[%d]", i+1)
	if r.Name == "" {
		ps.add(at+".name", "", "required: which rule; docs/alerts.md lists them", `"pool_down"`)
		return
	}
	is := alert.ByName(r.Name)
	if is == nil {
		ps.add(at+".name", show(r.Name), "there is no such rule; docs/alerts.md lists them", suggested(r.Name, ruleNames()))
		return
	}
	if slices.ContainsFunc(a.Rules[:i], func(other AlertRule) bool { return other.Name == r.Name }) {
		ps.add(at+".name", show(r.Name), "the rule has an [[alerts.rule]] already", "one for each rule")
	}
	lasting(ps, at+".for", r.For, 0, maxCoolDown, show(is.For))
	lasting(ps, at+".cool_down", r.CoolDown, 0, maxCoolDown, show(a.CoolDown))
	switch t := r.Threshold; {
	case is.Threshold == 0 && t != 0:
		ps.add(at+".threshold", show(t), fmt.Sprintf("rule %s has no threshold", r.Name), "removing the key")
	case is.Threshold > 0 && is.Threshold < 1 && (math.IsNaN(t) || t <= 0 || t >= 1):
		ps.add(at+".threshold", show(t), fmt.Sprintf("expected a fraction between 0 and 1 %s", is.Unit), show(is.Threshold))
	case is.Threshold >= 1 && (math.IsNaN(t) || t <= 0 || t > maxThreshold):
		ps.add(at+".threshold", show(t), fmt.Sprintf("expected more than 0 and up to %d %s", maxThreshold, is.Unit), show(is.Threshold))
	}
}

func ruleNames() (names []string) {
	for i := range alert.Rules {
		names = append(names, alert.Rules[i].Name)
	}
	return names
}

// name says when the curtailment is, for changes.
func (c *Curtailment) name() string { return hoursName(c.Days, c.From, c.To, c.Group) }
