package stats

import (
	"maps"
	"slices"
)

// AlertCount is how many alerts a rule has made.
type AlertCount struct {
	Rule            string
	Pending, Firing int
}

// SetAlerts sets the function that returns how many alerts there are, of each rule.
func (b *Book) SetAlerts(counts func() []AlertCount) { b.alerts.Store(&counts) }

// SetUsual sets the function that returns what the farm and its groups usually hash, in H/s;
// 0, or missing: not known yet.
func (b *Book) SetUsual(usual func() (farm float64, groups map[string]float64)) {
	b.usual.Store(&usual)
}

func (b *Book) writeAlerts(e *exposition) {
	if counts := b.alerts.Load(); counts != nil {
		e.begin("farmproxy_alerts", gauge, "Alerts by rule (docs/alerts.md) and state: pending ones hold, but not for long enough yet.")
		for _, n := range (*counts)() {
			e.value(float64(n.Pending), "rule", n.Rule, "state", "pending")
			e.value(float64(n.Firing), "rule", n.Rule, "state", "firing")
		}
	}
	usual := b.usual.Load()
	if usual == nil {
		return
	}
	farm, groups := (*usual)()
	if farm > 0 {
		e.begin("farmproxy_hashrate_usual", gauge, "Hashes per second of all workers in the median hour of the last three days.")
		e.value(farm)
	}
	if len(groups) > 0 {
		e.begin("farmproxy_group_hashrate_usual", gauge, "The same of each group.")
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			e.value(groups[name], "group", name)
		}
	}
}
