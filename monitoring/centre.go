package monitoring

import grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// centre is the dashboard of many sites. It needs sums only: what vmagent.yml sends.
var centre = board{
	uid: "farmproxy-sites", title: "farmproxy: sites",
	about:   "All sites: which one has lost hash rate, and which group there.",
	choices: []choice{{"site", "Site"}},
	link: grafana.NewDashboardLinkBuilder("Boxes of a site").Type(grafana.DashboardLinkTypeLink).
		Url("/d/farmproxy/farmproxy").IncludeVars(true).KeepTime(true),
	panels: []panel{
		{"Hash rate", number, "H/s", 4, 4, []query{{`sum(farmproxy_hashrate{HERE})`, "", ""}}, "Over 5 minutes, from accepted shares."},
		{"Workers up", number, "none", 4, 4, []query{{`sum(farmproxy_workers_up{HERE})`, "", ""}}, ""},
		{"Workers down", bad, "none", 4, 4, []query{{`sum(farmproxy_workers{HERE}) - sum(farmproxy_workers_up{HERE})`, "", ""}}, "Workers that the boxes remember and that have no miner."},
		{"Boxes that answer", number, "none", 4, 4, []query{{`sum(up{HERE, job="farmproxy"})`, "", ""}}, ""},
		{"Boxes that don't", bad, "none", 4, 4, []query{{`count(up{HERE, job="farmproxy"} == 0) or vector(0)`, "", ""}}, "The box is there, its farmproxy is not."},
		{"Sites not heard of", bad, "none", 4, 4, []query{{silent + ` or vector(0)`, "", ""}}, "Heard of in the last day, but not in the last 5 minutes: the box is off, or the site is cut off."},

		{"Sites", rows, "none", 24, 10, []query{
			{`sum by (site) (farmproxy_hashrate{HERE})`, "hash rate", "H/s"},
			{siteOfUsual, "of its usual", "percentunit"},
			{`sum by (site) (farmproxy_workers_up{HERE})`, "workers up", ""},
			{`sum by (site) (farmproxy_workers{HERE}) - sum by (site) (farmproxy_workers_up{HERE})`, "workers down", ""},
			{`sum by (site) (rate(farmproxy_shares_total{HERE, verdict!="accepted"}[1h])) / sum by (site) (rate(farmproxy_shares_total{HERE}[1h]))`, "rejected in an hour", "percentunit"},
			{`min by (site) (farmproxy_ready{HERE})`, "ready", ""},
			{`count by (site) (farmproxy_pool_up{HERE}) - sum by (site) (farmproxy_pool_up{HERE})`, "pools down", ""},
			{`min by (site) ((farmproxy_certificate_not_after_seconds{HERE} or farmproxy_pool_certificate_not_after_seconds{HERE}) - time())`, "certificate ends in", "s"},
		}, ""},
		{"Hash rate by site", stack, "H/s", 12, 10, []query{{`sum by (site) (farmproxy_hashrate{HERE})`, "{{site}}", ""}}, ""},
		{"Hash rate of each site, of its usual", lines, "percentunit", 12, 10, []query{{siteOfUsual, "{{site}}", ""}}, "1: as much as in the median hour of the last three days."},

		{"Groups that have lost most", rows, "none", 12, 10, []query{
			{`bottomk(50, ` + groupOfUsual + `)`, "of its usual", "percentunit"},
			{`sum by (site, group) (farmproxy_group_hashrate{HERE}) and bottomk(50, ` + groupOfUsual + `)`, "hash rate", "H/s"},
			{`sum by (site, group) (farmproxy_group_workers{HERE}) - sum by (site, group) (farmproxy_group_workers_up{HERE}) and bottomk(50, ` + groupOfUsual + `)`, "workers down", ""},
		}, "Hash rate now, as a fraction of the group's usual one."},
		{"Groups that have most rejected", rows, "percentunit", 12, 10, []query{{
			`topk(50, sum by (site, group) (rate(farmproxy_group_shares_total{HERE, verdict!="accepted"}[1h])) / sum by (site, group) (rate(farmproxy_group_shares_total{HERE}[1h])))`, "rejected in an hour", ""}}, ""},

		{"Hash rate by pool", stack, "H/s", 12, 9, []query{{`sum by (pool) (farmproxy_pool_hashrate{HERE})`, "{{pool}}", ""}}, "Of all sites: pools of the same name are the same pool here."},
		{"Sites at which a pool is down", lines, "none", 12, 9, []query{{`count by (pool) (farmproxy_pool_up{HERE} == 0)`, "{{pool}}", ""}}, "Down at one site: its line. Down at all: the pool."},
		{"Rejected shares by site", lines, "percentunit", 12, 9, []query{{`sum by (site) (rate(farmproxy_shares_total{HERE, verdict!="accepted"}[10m])) / sum by (site) (rate(farmproxy_shares_total{HERE}[10m]))`, "{{site}}", ""}}, ""},
		{"Verdicts of the pools: p99, by site", lines, "s", 12, 9, []query{{`histogram_quantile(0.99, sum by (site, pool, le) (rate(farmproxy_pool_latency_seconds_bucket{HERE}[10m])))`, "{{site}}: {{pool}}", ""}}, "From sending a share to the pool's answer."},

		{"Alerts of the boxes", rows, "none", 8, 9, []query{{`sum by (site, instance, rule) (farmproxy_alerts{HERE, state="firing"}) > 0`, "alerts", ""}}, "What each farmproxy says itself: docs/alerts.md."},
		{"Alerts of the centre", rows, "none", 8, 9, []query{{`count by (site, instance, alertname, severity, pool, group) (ALERTS{HERE, alertstate="firing"})`, "alerts", ""}}, "What vmalert has found by rules.yml and centre-rules.yml."},
		{"Boxes", rows, "none", 8, 9, []query{{`farmproxy_build_info{HERE}`, "boxes", ""}}, "Which version runs where."},
	},
}

const (
	// silent counts the sites that were heard of in the last day, and are not any more.
	silent = `count(count by (site) (last_over_time(up{HERE, job="farmproxy"}[1d])) unless count by (site) (up{HERE, job="farmproxy"}))`

	// siteOfUsual is the hash rate of each site, as a fraction of what is usual there.
	siteOfUsual = `sum by (site) (farmproxy_hashrate{HERE} and farmproxy_hashrate_usual{HERE}) / sum by (site) (farmproxy_hashrate_usual{HERE})`
)

// siteAlerts are the rules that only the centre can have: a box can't tell that it is off.
var siteAlerts = []alert{
	{
		name: "FarmproxySiteSilent", expr: `count by (site) (last_over_time(up{job="farmproxy"}[1d])) unless count by (site) (up{job="farmproxy"})`, hold: "2m", severity: "page",
		summary: "Nothing is heard of {{ $labels.site }}", do: "The site is cut off, or without power. If it is cut off only, its miners go on, and vmagent there keeps the figures.",
		fires: []string{`up{job="farmproxy", instance="box", site="north"} 1x5 _x40`, `up{job="farmproxy", instance="box", site="south"} 1x45`},
		quiet: []string{`up{job="farmproxy", instance="box", site="north"} 0x45`, `up{job="farmproxy", instance="box", site="south"} 1x45`},
	},
	{
		// A silent site is one message, not one for each of its boxes.
		name: "FarmproxyBoxSilent", expr: `(last_over_time(up{job="farmproxy"}[1d]) unless up{job="farmproxy"}) and on (site) up{job="farmproxy"}`, hold: "2m", severity: "page",
		summary: "Nothing is heard of {{ $labels.instance }} at {{ $labels.site }}, but of other boxes there", do: "The box is off, or its vmagent has ended: systemctl status vmagent there.",
		fires: []string{`up{job="farmproxy", instance="one", site="north"} 1x5 _x40`, `up{job="farmproxy", instance="two", site="north"} 1x45`},
		quiet: []string{`up{job="farmproxy", instance="one", site="north"} 1x5 _x40`, `up{job="farmproxy", instance="two", site="north"} 1x5 _x40`},
	},
}
