package monitoring

import (
	"fmt"
	"strconv"
	"strings"

	ours "farmproxy/alert"
)

// alert is a rule, and what proves it.
type alert struct {
	name     string
	expr     string
	hold     string   // for how long expr has to hold
	severity string   // page: somebody has to look now; ticket: today
	summary  string   // with labels as {{ $labels.pool }}
	do       string   // what to do about it
	fires    []string // series with which it fires,
	also     []string // others with which it does, and
	quiet    []string // with which it does not
}

// alerts are the rules, in the order in which they are written. The series of fires and
// quiet are as in promtool's tests: a name, then values a minute apart.
var alerts = []alert{
	{
		name: "FarmproxyDown", expr: `up{job="farmproxy"} == 0`, hold: "1m", severity: "page",
		summary: "farmproxy on {{ $labels.instance }} does not answer", do: "systemctl status farmproxy there; the miners go to their next pool meanwhile.",
		fires: []string{`up{job="farmproxy", instance="box"} 0x60`},
		quiet: []string{`up{job="farmproxy", instance="box"} 1x60`},
	},
	from("not_ready", alert{
		expr:    `farmproxy_ready == 0`,
		summary: "Miners of {{ $labels.instance }} get no work",
		fires:   []string{`farmproxy_ready{instance="box"} 0x60`},
		quiet:   []string{`farmproxy_ready{instance="box"} 1x60`},
	}),
	from("pool_down", alert{
		expr:    `farmproxy_pool_up == 0`,
		summary: "Pool {{ $labels.pool }} is down",
		fires:   []string{`farmproxy_pool_up{instance="box", pool="main"} 0x60`},
		quiet:   []string{`farmproxy_pool_up{instance="box", pool="main"} 1 0 1 1x60`},
	}),
	from("hashrate_low", alert{
		expr:    `farmproxy_hashrate < %g * farmproxy_hashrate_usual`,
		summary: "The farm at {{ $labels.instance }} hashes less than %g of its usual hash rate",
		fires:   []string{`farmproxy_hashrate{instance="box"} 100x5 89x60`, `farmproxy_hashrate_usual{instance="box"} 100x60`},
		quiet:   []string{`farmproxy_hashrate{instance="box"} 100x5 91x60`, `farmproxy_hashrate_usual{instance="box"} 100x60`},
	}),
	from("group_hashrate_low", alert{
		expr:    `farmproxy_group_hashrate < %g * farmproxy_group_hashrate_usual`,
		summary: "Group {{ $labels.group }} hashes less than %g of its usual hash rate",
		fires:   []string{`farmproxy_group_hashrate{instance="box", group="hall-1"} 100x5 69x60`, `farmproxy_group_hashrate_usual{instance="box", group="hall-1"} 100x60`},
		quiet:   []string{`farmproxy_group_hashrate{instance="box", group="hall-1"} 100x5 71x60`, `farmproxy_group_hashrate_usual{instance="box", group="hall-1"} 100x60`},
	}),
	from("workers_down", alert{
		expr:    `farmproxy_workers - farmproxy_workers_up > %g * farmproxy_workers`,
		summary: "{{ $value }} workers of {{ $labels.instance }} are down",
		fires:   []string{`farmproxy_workers{instance="box"} 100x60`, `farmproxy_workers_up{instance="box"} 90x60`},
		quiet:   []string{`farmproxy_workers{instance="box"} 100x60`, `farmproxy_workers_up{instance="box"} 96x60`},
	}),
	from("group_down", alert{
		expr:    `farmproxy_group_workers_up == 0 and farmproxy_group_workers > 0`,
		summary: "All workers of group {{ $labels.group }} are down",
		fires:   []string{`farmproxy_group_workers{instance="box", group="hall-1"} 20x60`, `farmproxy_group_workers_up{instance="box", group="hall-1"} 0x60`},
		quiet:   []string{`farmproxy_group_workers{instance="box", group="hall-1"} 20x60`, `farmproxy_group_workers_up{instance="box", group="hall-1"} 1x60`},
	}),
	from("rejects", alert{
		expr:    `sum by (site, instance, pool) (rate(farmproxy_pool_shares_total{verdict!="accepted"}[10m])) > %g * sum by (site, instance, pool) (rate(farmproxy_pool_shares_total[10m]))`,
		summary: "Pool {{ $labels.pool }} rejects more than %g of the shares",
		fires:   []string{`farmproxy_pool_shares_total{instance="box", pool="main", verdict="accepted"} 0+95x60`, `farmproxy_pool_shares_total{instance="box", pool="main", verdict="stale"} 0+5x60`},
		quiet:   []string{`farmproxy_pool_shares_total{instance="box", pool="main", verdict="accepted"} 0+99x60`, `farmproxy_pool_shares_total{instance="box", pool="main", verdict="stale"} 0+1x60`},
	}),
	from("pool_late", alert{
		expr:    `histogram_quantile(0.5, sum by (site, instance, pool, le) (rate(farmproxy_pool_block_lag_seconds_bucket[6h]))) > %g`,
		summary: "Pool {{ $labels.pool }} tells of most new blocks more than %g s after the first pool",
		fires:   []string{`farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="1"} 0x60`, `farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="5"} 0+1x60`, `farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="+Inf"} 0+1x60`},
		quiet:   []string{`farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="1"} 0+1x60`, `farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="5"} 0+1x60`, `farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="+Inf"} 0+1x60`},
	}),
	from("fewer_version_bits", alert{
		expr:    `increase(farmproxy_pool_version_rolling_reduced_total[30m]) > 0`,
		summary: "Pool {{ $labels.pool }} grants fewer version bits than before",
		fires:   []string{`farmproxy_pool_version_rolling_reduced_total{instance="box", pool="main"} 0x40 1x20`},
		quiet:   []string{`farmproxy_pool_version_rolling_reduced_total{instance="box", pool="main"} 3x60`},
	}),
	from("full", alert{
		expr:    `farmproxy_miners >= farmproxy_miners_max > 0`,
		summary: "farmproxy on {{ $labels.instance }} is full: further miners are turned away",
		fires:   []string{`farmproxy_miners{instance="box"} 1000x60`, `farmproxy_miners_max{instance="box"} 1000x60`},
		quiet:   []string{`farmproxy_miners{instance="box"} 999x60`, `farmproxy_miners_max{instance="box"} 1000x60`},
	}),
	from("descriptors", alert{
		expr:    `process_open_fds{job="farmproxy"} > %g * process_max_fds{job="farmproxy"}`,
		summary: "farmproxy on {{ $labels.instance }} has few file descriptors left",
		fires:   []string{`process_open_fds{instance="box", job="farmproxy"} 970x60`, `process_max_fds{instance="box", job="farmproxy"} 1000x60`},
		quiet:   []string{`process_open_fds{instance="box", job="farmproxy"} 900x60`, `process_max_fds{instance="box", job="farmproxy"} 1000x60`},
	}),
	from("certificate_ends", alert{
		expr:    `(farmproxy_certificate_not_after_seconds or farmproxy_pool_certificate_not_after_seconds) - time() < %g * 86400`,
		summary: "The certificate {{ with $labels.file }}{{ . }}{{ else }}of pool {{ $labels.pool }}{{ end }} ends within %g days",
		fires:   []string{`farmproxy_certificate_not_after_seconds{instance="box", file="cert.pem"} 864000x90`},
		also:    []string{`farmproxy_pool_certificate_not_after_seconds{instance="box", pool="main"} 864000x90`, `farmproxy_certificate_not_after_seconds{instance="box", file="cert.pem"} 8640000x90`},
		quiet:   []string{`farmproxy_certificate_not_after_seconds{instance="box", file="cert.pem"} 8640000x90`, `farmproxy_pool_certificate_not_after_seconds{instance="box", pool="main"} 8640000x90`},
	}),
	from("reload_failed", alert{
		expr:    `farmproxy_config_last_reload_successful == 0`,
		summary: "The configuration of {{ $labels.instance }} was not loaded",
		fires:   []string{`farmproxy_config_last_reload_successful{instance="box"} 0x60`},
		quiet:   []string{`farmproxy_config_last_reload_successful{instance="box"} 1x60`},
	}),
	from("store_down", alert{
		expr:    `farmproxy_store_up == 0`,
		summary: "The database of {{ $labels.instance }} is away: known accounts are served, new ones are not",
		fires:   []string{`farmproxy_store_up{instance="box"} 0x60`},
		quiet:   []string{`farmproxy_store_up{instance="box"} 1x60`},
	}),
	from("history_down", alert{
		expr:    `farmproxy_history_up == 0`,
		summary: "{{ $labels.instance }} remembers nothing",
		fires:   []string{`farmproxy_history_up{instance="box"} 0x60`},
		quiet:   []string{`farmproxy_history_up{instance="box"} 1x60`},
	}),

	counted("workers_slow", "Workers of {{ $labels.instance }} hash less than half of their own usual"),
	counted("unlisted_pool", "Miners of {{ $labels.instance }} work at a pool that is not in alerts.known_pools"),
	counted("unlisted_worker", "A worker mines at {{ $labels.instance }} that is not on the list"),
	counted("disk", "A disk of {{ $labels.instance }} is nearly full"),
	counted("clock_set", "The clock of {{ $labels.instance }} was set"),
	counted("clock_unsynchronized", "Nothing keeps the clock of {{ $labels.instance }} right"),
}

// from completes an alert with what the rule of package alert says: they are the same.
func from(name string, a alert) alert {
	is := ours.ByName(name)
	a.name, a.severity, a.do = is.Prometheus(), string(is.Severity), is.Do
	a.hold = fmt.Sprintf("%gm", is.For.Minutes())
	if is.For.Minutes() == 0 {
		a.hold = "0s"
	}
	threshold := strconv.FormatFloat(is.Threshold, 'g', -1, 64)
	a.expr, a.summary = strings.ReplaceAll(a.expr, "%g", threshold), strings.ReplaceAll(a.summary, "%g", threshold)
	return a
}

// counted returns the alert of a rule that has no series of its own: farmproxy looks, and
// counts what it finds.
func counted(name, summary string) alert {
	series := func(state, values string) string {
		return fmt.Sprintf(`farmproxy_alerts{instance="box", rule="%s", state="%s"} %s`, name, state, values)
	}
	return from(name, alert{
		expr:    fmt.Sprintf(`max without (state) (farmproxy_alerts{rule="%s"}) > 0`, name),
		summary: summary,
		fires:   []string{series("pending", "1x10 0x80"), series("firing", "0x10 1x80")},
		quiet:   []string{series("pending", "1 0x90"), series("firing", "0x90")},
	})
}

// rules returns alerts as a file of Prometheus.
func rules(alerts []alert) string {
	var b strings.Builder
	b.WriteString("# Made by: go generate ./monitoring\ngroups:\n  - name: farmproxy\n    rules:\n")
	for _, a := range alerts {
		fmt.Fprintf(&b, "      - alert: %s\n        expr: %s\n        for: %s\n        labels:\n          severity: %s\n        annotations:\n          summary: %q\n          description: %q\n",
			a.name, a.expr, a.hold, a.severity, a.summary, a.do)
	}
	return b.String()
}

// proof returns the tests of the alerts in a file, for promtool: each fires with one input,
// and not with another.
func proof(file string, alerts []alert) string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule_files:\n  - %s\nevaluation_interval: 1m\ntests:\n", file)
	for _, a := range alerts {
		for i, series := range [][]string{a.fires, a.also, a.quiet} {
			firing := 1
			if i == 2 {
				firing = 0
			}
			if series == nil {
				continue
			}
			fmt.Fprintf(&b, "  - interval: 1m\n    name: %s %d\n    input_series:\n", a.name, i)
			for _, s := range series {
				at := strings.LastIndexByte(s, '}') + 1
				fmt.Fprintf(&b, "      - series: '%s'\n        values: '%s'\n", s[:at], strings.TrimSpace(s[at:]))
			}
			fmt.Fprintf(&b, "    promql_expr_test:\n      - expr: 'count(ALERTS{alertname=\"%s\", alertstate=\"firing\"}) or vector(0)'\n        eval_time: %s\n        exp_samples:\n          - value: %d\n",
				a.name, a.when(), firing)
		}
	}
	return b.String()
}

// when is when the alert is looked at in its test.
func (a *alert) when() string {
	if a.hold == "60m" {
		return "75m"
	}
	return "50m"
}
