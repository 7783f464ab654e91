// Package api is farmproxy's HTTP surface: what monitoring, scripts and people
// ask it. It owns paths, queries, status codes and the JSON.
//
//	/healthz /readyz          systemd, load balancers  ┐
//	/metrics                  Prometheus               ├─ Server ──> stats.Book
//	/api/v1/status ...        scripts, dashboards      ┘
//
// Every answer is made from the books at the moment it is asked for. It never
// sees a miner, a session or a link, never changes anything, and never lets a
// question cost more than its named limits.
package api
