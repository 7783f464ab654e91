package monitoring

// box is the dashboard of a box: everything that its farmproxy tells, worker by worker.
var box = board{
	uid: "farmproxy", title: "farmproxy",
	about: "A box, or all boxes of a site: miners, pools, groups, routes.",
	// In a Prometheus of one box there is no label site: All fits then.
	choices: []choice{{"site", "Site"}, {"instance", "Box"}},
	panels: []panel{
		{"Hash rate", number, "H/s", 4, 4, []query{{`sum(farmproxy_hashrate{HERE})`, "", ""}}, "Over 5 minutes, from accepted shares."},
		{"Of the usual hash rate", number, "percentunit", 4, 4, []query{{`sum(farmproxy_hashrate{HERE} and farmproxy_hashrate_usual{HERE}) / sum(farmproxy_hashrate_usual{HERE})`, "", ""}}, "The median hour of the last three days is usual."},
		{"Workers up", number, "none", 4, 4, []query{{`sum(farmproxy_workers_up{HERE})`, "", ""}}, ""},
		{"Workers down", bad, "none", 4, 4, []query{{`sum(farmproxy_workers{HERE}) - sum(farmproxy_workers_up{HERE})`, "", ""}}, "Workers that farmproxy remembers and that have no miner."},
		{"Alerts", bad, "none", 4, 4, []query{{`sum(farmproxy_alerts{HERE, state="firing"})`, "", ""}}, "Of farmproxy itself: docs/alerts.md."},
		{"Ready", good, "none", 4, 4, []query{{`min(farmproxy_ready{HERE})`, "", ""}}, "0 while new miners get no work."},

		{"Alerts by rule", rows, "none", 8, 8, []query{{`sum by (rule, instance) (farmproxy_alerts{HERE, state="firing"}) > 0`, "alerts", ""}}, "farmproxy alerts says them in words."},
		{"Groups that have lost most", rows, "none", 16, 8, []query{
			{`bottomk(50, ` + groupOfUsual + `)`, "of its usual", "percentunit"},
			{`sum by (site, group) (farmproxy_group_workers{HERE}) - sum by (site, group) (farmproxy_group_workers_up{HERE})`, "workers down", ""},
		}, "Hash rate now, as a fraction of the group's usual one."},

		{"Hash rate by pool", stack, "H/s", 12, 9, []query{{`sum by (pool) (farmproxy_pool_hashrate{HERE})`, "{{pool}}", ""}}, ""},
		{"Hash rate by group", stack, "H/s", 12, 9, []query{{`sum by (group) (farmproxy_group_hashrate{HERE})`, "{{group}}", ""}}, "A group is a hall or a rack: miners.worker_group in the configuration."},
		{"Rejected shares by reason", lines, "percentunit", 12, 9, []query{{
			`sum by (verdict) (rate(farmproxy_shares_total{HERE, verdict!="accepted"}[10m])) / scalar(sum(rate(farmproxy_shares_total{HERE}[10m])))`, "{{verdict}}", ""}}, "What farmproxy and the pools answered, as a fraction of all shares."},
		{"Rejected shares by group", lines, "percentunit", 12, 9, []query{{
			`sum by (group) (rate(farmproxy_group_shares_total{HERE, verdict!="accepted"}[10m])) / sum by (group) (rate(farmproxy_group_shares_total{HERE}[10m]))`, "{{group}}", ""}}, ""},

		{"Pools that are up", lines, "none", 12, 9, []query{{`max by (pool) (farmproxy_pool_up{HERE})`, "{{pool}}", ""}}, "1: the last handshake or probe got a job."},
		{"Verdicts of the pools: p50 and p99", lines, "s", 12, 9, []query{
			{`histogram_quantile(0.5, sum by (pool, le) (rate(farmproxy_pool_latency_seconds_bucket{HERE}[10m])))`, "{{pool}}, p50", ""},
			{`histogram_quantile(0.99, sum by (pool, le) (rate(farmproxy_pool_latency_seconds_bucket{HERE}[10m])))`, "{{pool}}, p99", ""}}, "From sending a share to the pool's answer."},
		{"Mean lag of the pools", lines, "s", 12, 9, []query{{
			`sum by (pool) (rate(farmproxy_pool_block_lag_seconds_sum{HERE}[6h])) / sum by (pool) (rate(farmproxy_pool_block_lag_seconds_count{HERE}[6h]))`, "{{pool}}", ""}}, "How much later than the first pool it tells of a new block, over 6 h."},
		{"Rejected shares by pool", lines, "percentunit", 12, 9, []query{{
			`sum by (pool) (rate(farmproxy_pool_shares_total{HERE, verdict!="accepted"}[10m])) / sum by (pool) (rate(farmproxy_pool_shares_total{HERE}[10m]))`, "{{pool}}", ""}}, ""},

		{"Routes: part of each goal, and what was wished", lines, "percentunit", 12, 9, []query{
			{`avg by (route, goal) (farmproxy_goal_part{HERE})`, "{{route}}: {{goal}}", ""},
			{`avg by (route, goal) (farmproxy_goal_wished_part{HERE})`, "{{route}}: {{goal}}, wished", ""}}, "Of the route's accepted work of the last 10 minutes."},
		{"Miners moved", lines, "none", 12, 9, []query{{`sum by (route, goal, reason) (increase(farmproxy_goal_moves_total{HERE}[10m]))`, "to {{route}}: {{goal}}, {{reason}}", ""}}, "In 10 minutes."},
		{"Miners that connect and leave, per second", lines, "none", 12, 9, []query{
			{`sum(rate(farmproxy_connections_opened_total{HERE}[5m]))`, "opened", ""},
			{`sum by (reason) (rate(farmproxy_connections_closed_total{HERE}[5m]))`, "closed: {{reason}}", ""}}, ""},
		{"Processor, in cores", lines, "none", 6, 9, []query{{`sum by (instance) (rate(process_cpu_seconds_total{HERE, job="farmproxy"}[5m]))`, "{{instance}}", ""}}, ""},
		{"Memory", lines, "bytes", 6, 9, []query{{`sum by (instance) (process_resident_memory_bytes{HERE, job="farmproxy"})`, "{{instance}}", ""}}, ""}},
}

// groupOfUsual is the hash rate of each group, as a fraction of what is usual there. A box
// whose history is young has no usual hash rate yet.
const groupOfUsual = `sum by (site, group) (farmproxy_group_hashrate{HERE} and farmproxy_group_hashrate_usual{HERE}) / sum by (site, group) (farmproxy_group_hashrate_usual{HERE})`
