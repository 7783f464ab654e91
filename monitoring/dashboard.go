package monitoring

import "encoding/json"

// panel is one of a dashboard's panels.
type panel struct {
	title, kind, unit string
	width, height     int
	queries           []query
}

type query struct{ expr, legend string }

// site is what every query is limited to: the boxes that are chosen.
const site = `{instance=~"$instance"}`

// panels are the dashboard, in rows of 24 columns.
var panels = []panel{
	{"Hash rate", "stat", "H/s", 6, 4, []query{{`sum(farmproxy_hashrate` + site + `)`, ""}}},
	{"Workers up", "stat", "none", 6, 4, []query{{`sum(farmproxy_workers_up` + site + `)`, ""}}},
	{"Workers down", "stat", "none", 6, 4, []query{{`sum(farmproxy_workers` + site + `) - sum(farmproxy_workers_up` + site + `)`, ""}}},
	{"Ready", "stat", "none", 6, 4, []query{{`min(farmproxy_ready` + site + `)`, ""}}},
	{"Hash rate by pool", "timeseries", "H/s", 12, 8, []query{{`sum by (pool) (farmproxy_pool_hashrate` + site + `)`, "{{pool}}"}}},
	{"Hash rate by group", "timeseries", "H/s", 12, 8, []query{{`sum by (group) (farmproxy_group_hashrate` + site + `)`, "{{group}}"}}},
	{"Pools that are up", "timeseries", "none", 12, 8, []query{{`max by (pool) (farmproxy_pool_up` + site + `)`, "{{pool}}"}}},
	{"Rejected shares by reason", "timeseries", "percentunit", 12, 8, []query{{
		`sum by (verdict) (rate(farmproxy_shares_total{instance=~"$instance", verdict!="accepted"}[10m])) / scalar(sum(rate(farmproxy_shares_total` + site + `[10m])))`, "{{verdict}}"}}},
	{"News of blocks, behind the first pool", "timeseries", "s", 12, 8, []query{{
		`histogram_quantile(0.5, sum by (pool, le) (rate(farmproxy_pool_block_lag_seconds_bucket` + site + `[6h])))`, "{{pool}}"}}},
	{"Verdicts: median and 99 %", "timeseries", "s", 12, 8, []query{
		{`histogram_quantile(0.5, sum by (pool, le) (rate(farmproxy_pool_latency_seconds_bucket` + site + `[10m])))`, "{{pool}}"},
		{`histogram_quantile(0.99, sum by (pool, le) (rate(farmproxy_pool_latency_seconds_bucket` + site + `[10m])))`, "{{pool}}, 99 %"}}},
	{"Miners that connect and leave", "timeseries", "none", 12, 8, []query{
		{`sum(rate(farmproxy_connections_opened_total` + site + `[5m]))`, "opened a second"},
		{`sum by (reason) (rate(farmproxy_connections_closed_total` + site + `[5m]))`, "{{reason}}"}}},
	{"Shares that a group has rejected", "timeseries", "percentunit", 12, 8, []query{{
		`sum by (group) (rate(farmproxy_group_shares_total{instance=~"$instance", verdict!="accepted"}[10m])) / sum by (group) (rate(farmproxy_group_shares_total` + site + `[10m]))`, "{{group}}"}}},
	{"Workers with the least hash rate", "table", "H/s", 24, 10, []query{{`bottomk(50, farmproxy_worker_hashrate` + site + `)`, "{{worker}}"}}},
}

// dashboard returns the dashboard as Grafana imports it.
func dashboard() string {
	type object = map[string]any
	source := object{"type": "prometheus", "uid": "${source}"}
	var list []any
	x, y, tallest := 0, 0, 0
	for i, p := range panels {
		if x+p.width > 24 {
			x, y, tallest = 0, y+tallest, 0
		}
		var targets []any
		for j, q := range p.queries {
			targets = append(targets, object{"refId": string(rune('A' + j)), "expr": q.expr, "legendFormat": q.legend, "datasource": source,
				"instant": p.kind == "table", "range": p.kind != "table", "format": map[bool]string{true: "table", false: "time_series"}[p.kind == "table"]})
		}
		list = append(list, object{
			"id": i + 1, "title": p.title, "type": p.kind, "datasource": source, "targets": targets,
			"gridPos":     object{"x": x, "y": y, "w": p.width, "h": p.height},
			"fieldConfig": object{"defaults": object{"unit": p.unit, "min": 0}, "overrides": []any{}},
			"options":     object{},
		})
		x, tallest = x+p.width, max(tallest, p.height)
	}
	b, err := json.MarshalIndent(object{
		"uid": "farmproxy", "title": "farmproxy", "tags": []string{"farmproxy"}, "schemaVersion": 39, "version": 1, "editable": true, "refresh": "30s",
		"time": object{"from": "now-24h", "to": "now"}, "timezone": "browser",
		"templating": object{"list": []any{
			object{"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"},
			object{"name": "instance", "type": "query", "label": "Box", "datasource": source, "query": "label_values(farmproxy_ready, instance)", "refresh": 2, "multi": true, "includeAll": true, "allValue": ".*"},
		}},
		"panels": list,
	}, "", "  ")
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(b) + "\n"
}
