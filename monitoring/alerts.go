package monitoring

import (
	"fmt"
	"strings"
)

// alert is a rule, and what proves it.
type alert struct {
	name     string
	expr     string
	hold     string   // for how long expr has to hold
	severity string   // page: somebody has to look now; ticket: today
	summary  string   // with labels as {{ $labels.pool }}
	do       string   // what to do about it
	fires    []string // series with which it fires, and
	quiet    []string // with which it does not
}

// alerts are the rules, in the order in which they are written. The series of fires and
// quiet are as in promtool's tests: a name, then values a minute apart.
var alerts = []alert{
	{
		name: "FarmproxyDown", expr: `up{job="farmproxy"} == 0`, hold: "1m", severity: "page",
		summary: "farmproxy on {{ $labels.instance }} does not answer", do: "systemctl status farmproxy there; the miners go to their next pool meanwhile.",
		fires: []string{`up{job="farmproxy", instance="box"} 0x30`},
		quiet: []string{`up{job="farmproxy", instance="box"} 1x30`},
	},
	{
		name: "FarmproxyNotReady", expr: `farmproxy_ready == 0`, hold: "1m", severity: "page",
		summary: "Miners of {{ $labels.instance }} get no work", do: "farmproxy status, and the log: no pool of the list works, or the database is away.",
		fires: []string{`farmproxy_ready{instance="box"} 0x30`},
		quiet: []string{`farmproxy_ready{instance="box"} 1x30`},
	},
	{
		name: "FarmproxyPoolDown", expr: `farmproxy_pool_up == 0`, hold: "2m", severity: "ticket",
		summary: "Pool {{ $labels.pool }} is down", do: "farmproxy pools says why; miners work at the next pool of the list.",
		fires: []string{`farmproxy_pool_up{instance="box", pool="main"} 0x30`},
		quiet: []string{`farmproxy_pool_up{instance="box", pool="main"} 1 0 1 1x30`},
	},
	{
		name: "FarmproxyHashRateLow", expr: `farmproxy_hashrate < 0.9 * avg_over_time(farmproxy_hashrate[1d] offset 15m)`, hold: "10m", severity: "page",
		summary: "The farm at {{ $labels.instance }} hashes less than nine tenths of its last day", do: "The page says which groups are missing.",
		fires: []string{`farmproxy_hashrate{instance="box"} 100x60 50x40`},
		quiet: []string{`farmproxy_hashrate{instance="box"} 100x60 95x40`},
	},
	{
		name: "FarmproxyGroupHashRateLow", expr: `farmproxy_group_hashrate < 0.7 * avg_over_time(farmproxy_group_hashrate[1d] offset 15m)`, hold: "10m", severity: "page",
		summary: "Group {{ $labels.group }} hashes less than seven tenths of its last day", do: "Look at that hall or rack: power, network, heat.",
		fires: []string{`farmproxy_group_hashrate{instance="box", group="hall-1"} 100x60 50x40`},
		quiet: []string{`farmproxy_group_hashrate{instance="box", group="hall-1"} 100x60 80x40`},
	},
	{
		name: "FarmproxyWorkersDown", expr: `farmproxy_workers - farmproxy_workers_up > 0.05 * farmproxy_workers`, hold: "5m", severity: "ticket",
		summary: "{{ $value }} workers of {{ $labels.instance }} are down", do: "The page lists them, by group and since when. What is gone for good is removed from the roster.",
		fires: []string{`farmproxy_workers{instance="box"} 100x30`, `farmproxy_workers_up{instance="box"} 90x30`},
		quiet: []string{`farmproxy_workers{instance="box"} 100x30`, `farmproxy_workers_up{instance="box"} 96x30`},
	},
	{
		name: "FarmproxyGroupDown", expr: `farmproxy_group_workers_up == 0 and farmproxy_group_workers > 0`, hold: "3m", severity: "page",
		summary: "All workers of group {{ $labels.group }} are down", do: "Look at that hall or rack: power, network.",
		fires: []string{`farmproxy_group_workers{instance="box", group="hall-1"} 20x30`, `farmproxy_group_workers_up{instance="box", group="hall-1"} 0x30`},
		quiet: []string{`farmproxy_group_workers{instance="box", group="hall-1"} 20x30`, `farmproxy_group_workers_up{instance="box", group="hall-1"} 1x30`},
	},
	{
		name: "FarmproxyRejects",
		expr: `sum by (site, instance, pool) (rate(farmproxy_pool_shares_total{verdict!="accepted"}[10m])) > 0.02 * sum by (site, instance, pool) (rate(farmproxy_pool_shares_total[10m]))`,
		hold: "10m", severity: "ticket",
		summary: "Pool {{ $labels.pool }} rejects more than 2 % of the shares", do: "farmproxy_pool_shares_total has the reasons, docs/pools.md what they mean.",
		fires: []string{`farmproxy_pool_shares_total{instance="box", pool="main", verdict="accepted"} 0+95x60`, `farmproxy_pool_shares_total{instance="box", pool="main", verdict="stale"} 0+5x60`},
		quiet: []string{`farmproxy_pool_shares_total{instance="box", pool="main", verdict="accepted"} 0+99x60`, `farmproxy_pool_shares_total{instance="box", pool="main", verdict="stale"} 0+1x60`},
	},
	{
		name: "FarmproxyLate", expr: `histogram_quantile(0.5, sum by (site, instance, pool, le) (rate(farmproxy_pool_block_lag_seconds_bucket[6h]))) > 2`, hold: "10m", severity: "ticket",
		summary: "Pool {{ $labels.pool }} tells of new blocks 2 s after the first, or later", do: "Shares for old blocks are worth nothing: compare the pools (docs/pools.md).",
		fires: []string{`farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="1"} 0x60`, `farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="5"} 0+1x60`, `farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="+Inf"} 0+1x60`},
		quiet: []string{`farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="1"} 0+1x60`, `farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="5"} 0+1x60`, `farmproxy_pool_block_lag_seconds_bucket{instance="box", pool="main", le="+Inf"} 0+1x60`},
	},
	{
		name: "FarmproxyFewerVersionBits", expr: `increase(farmproxy_pool_version_rolling_reduced_total[30m]) > 0`, hold: "1m", severity: "ticket",
		summary: "Pool {{ $labels.pool }} grants fewer version bits than before", do: "Miners that need them lose hash rate: ask the pool, or prefer another one.",
		fires: []string{`farmproxy_pool_version_rolling_reduced_total{instance="box", pool="main"} 0x10 1x20`},
		quiet: []string{`farmproxy_pool_version_rolling_reduced_total{instance="box", pool="main"} 3x30`},
	},
	{
		name: "FarmproxyFull", expr: `farmproxy_miners >= farmproxy_miners_max > 0`, hold: "1m", severity: "page",
		summary: "farmproxy on {{ $labels.instance }} is full: further miners are turned away", do: "Raise LimitNOFILE, or miners.max (docs/operations.md, Sizing).",
		fires: []string{`farmproxy_miners{instance="box"} 1000x30`, `farmproxy_miners_max{instance="box"} 1000x30`},
		quiet: []string{`farmproxy_miners{instance="box"} 999x30`, `farmproxy_miners_max{instance="box"} 1000x30`},
	},
	{
		name: "FarmproxyDescriptors", expr: `process_open_fds{job="farmproxy"} > 0.95 * process_max_fds{job="farmproxy"}`, hold: "5m", severity: "ticket",
		summary: "farmproxy on {{ $labels.instance }} has few file descriptors left", do: "Raise LimitNOFILE (docs/operations.md, Sizing).",
		fires: []string{`process_open_fds{instance="box", job="farmproxy"} 970x30`, `process_max_fds{instance="box", job="farmproxy"} 1000x30`},
		quiet: []string{`process_open_fds{instance="box", job="farmproxy"} 900x30`, `process_max_fds{instance="box", job="farmproxy"} 1000x30`},
	},
	{
		name: "FarmproxyCertificateEnds", expr: `farmproxy_certificate_not_after_seconds - time() < 14 * 86400`, hold: "1h", severity: "ticket",
		summary: "The certificate {{ $labels.file }} ends within two weeks", do: "Renew it: farmproxy takes the new files by itself (docs/security.md).",
		fires: []string{`farmproxy_certificate_not_after_seconds{instance="box", file="cert.pem"} 864000x90`},
		quiet: []string{`farmproxy_certificate_not_after_seconds{instance="box", file="cert.pem"} 8640000x90`},
	},
	{
		name: "FarmproxyReloadFailed", expr: `farmproxy_config_last_reload_successful == 0`, hold: "1m", severity: "ticket",
		summary: "The configuration of {{ $labels.instance }} was not loaded", do: "farmproxy check -c FILE lists what is wrong; the old one is in use.",
		fires: []string{`farmproxy_config_last_reload_successful{instance="box"} 0x30`},
		quiet: []string{`farmproxy_config_last_reload_successful{instance="box"} 1x30`},
	},
	{
		name: "FarmproxyStoreDown", expr: `farmproxy_store_up == 0`, hold: "5m", severity: "ticket",
		summary: "The database of {{ $labels.instance }} is away: known accounts are served, new ones are not", do: "/readyz and the log say why.",
		fires: []string{`farmproxy_store_up{instance="box"} 0x30`},
		quiet: []string{`farmproxy_store_up{instance="box"} 1x30`},
	},
	{
		name: "FarmproxyForgets", expr: `farmproxy_history_up == 0`, hold: "15m", severity: "ticket",
		summary: "{{ $labels.instance }} remembers nothing", do: "The log says why: a full disk, a damaged file, or no state_dir.",
		fires: []string{`farmproxy_history_up{instance="box"} 0x60`},
		quiet: []string{`farmproxy_history_up{instance="box"} 1x60`},
	},
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
		for i, series := range [][]string{a.fires, a.quiet} {
			fmt.Fprintf(&b, "  - interval: 1m\n    name: %s %d\n    input_series:\n", a.name, i)
			for _, s := range series {
				at := strings.LastIndexByte(s, '}') + 1
				fmt.Fprintf(&b, "      - series: '%s'\n        values: '%s'\n", s[:at], strings.TrimSpace(s[at:]))
			}
			fmt.Fprintf(&b, "    promql_expr_test:\n      - expr: 'count(ALERTS{alertname=\"%s\", alertstate=\"firing\"}) or vector(0)'\n        eval_time: %s\n        exp_samples:\n          - value: %d\n",
				a.name, a.when(), 1-i)
		}
	}
	return b.String()
}

// when is when the alert is looked at in its test.
func (a *alert) when() string {
	switch {
	case strings.Contains(a.expr, "offset"), a.hold == "1h":
		return "75m"
	case a.name == "FarmproxyRejects", a.name == "FarmproxyForgets", a.name == "FarmproxyLate":
		return "50m"
	}
	return "20m"
}
