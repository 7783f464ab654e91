package config

import (
	"testing"
	"time"

	"farmproxy/alert"
)

// What is wrong with [alerts] is said at the key.
func TestAlertsThatMakeNoSense(t *testing.T) {
	f := func(text, key, want string) {
		t.Helper()
		wantProblem(t, smallest+"[alerts]\n"+text+"\n", key, want)
	}
	rule := func(text, key, want string) {
		t.Helper()
		f("[[alerts.rule]]\n"+text, "alerts.rule[1]."+key, want)
	}
	f("quiet_from = '22:00'", "alerts.quiet_to", `required: a time of day; try "06:00"`)
	f("quiet_to = '06:00'", "alerts.quiet_from", `required with alerts.quiet_to: when quiet hours begin; try "22:00"`)
	const never = `never end: no ticket would ever be told; try a time of day, such as "06:00"; without quiet hours, neither key; without tickets, gets = ["page", "report"] in each channel`
	f("quiet_from = '22:00'\nquiet_to = '22:00'", "alerts.quiet_to", "quiet hours from 22:00 "+never)
	f("quiet_from = '00:00'\nquiet_to = '24:00'", "alerts.quiet_to", "quiet hours from 00:00 "+never)
	f("quiet_from = '22:00'\nquiet_to = '24:00'", "alerts.quiet_to", "")
	f("zone = 'Berlin'", "alerts.zone", `expected a time zone of the IANA database; try "Europe/Berlin", "America/Chicago" or "UTC"`)
	f("cool_down = '8d'", "alerts.cool_down", `expected a duration: numbers, each with its unit (ms, s, m, h); expected 0s to 168h; try "30m"`)
	f("known_pools = ['stratum+tcp://pool.example:3333']", "alerts.known_pools[1]", `expected the host name of a pool, without scheme and port; try "pool.example"`)
	rule("name = 'pools_down'", "name", `there is no such rule; docs/alerts.md lists them; try "pool_down"`)
	rule("name = 'pool_down'\nthreshold = 3", "threshold", "rule pool_down has no threshold; try removing the key")
	rule("name = 'rejects'\nthreshold = 2", "threshold", "expected a fraction between 0 and 1 of the shares of 10 minutes; try 0.02")
	rule("name = 'certificate_ends'\nthreshold = 0", "threshold", "expected more than 0 and up to 3650 days; try 14")
	rule("name = 'rejects'\nfor = '200h'", "for", `expected 0s to 168h; try "10m"`)
	f("[[alerts.rule]]\nname = 'full'\n[[alerts.rule]]\nname = 'full'", "alerts.rule[2].name", "the rule has an [[alerts.rule]] already; try one for each rule")
	f("[[alerts.curtailment]]\nfrom = '25:00'\nto = '06:00'", "alerts.curtailment[1].from", `expected a time of day from "00:00" to "24:00"; try "17:00"`)
}

// A rule that the file does not mention is as it is by default; what it leaves out, too.
func TestRulesOfAlerts(t *testing.T) {
	c := mustParse(t, smallest+"[alerts]\ncool_down = '1h'\n[[alerts.rule]]\nname = 'rejects'\nthreshold = 0.1\n")
	s := c.Alerts.Settings()
	is := alert.ByName("rejects")
	if got := s.Rules["rejects"]; len(s.Rules) != 1 || got != (alert.RuleSetting{For: is.For, Threshold: 0.1, CoolDown: time.Hour}) {
		t.Errorf("%+v", s.Rules)
	}
	if s.Quiet.Zone != nil || s.Mute {
		t.Errorf("%+v", s)
	}
}
