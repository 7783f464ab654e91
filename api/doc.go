// Package api is farmproxy's HTTP surface: what monitoring, scripts and people
// ask it. It owns paths, queries, status codes and the JSON, and who may ask for
// what.
//
//	/healthz /readyz          systemd, load balancers  ┐
//	/metrics                  Prometheus               ├─ tokens ──> Server ──> stats.Book
//	/api/v1/status ...        scripts, dashboards      │               └─────> Registry (store.Store)
//	/api/v1/users ...         shops, operators         ┘
//
// Counters are read from the books at the moment of the request; accounts, pools and
// algorithms belong to the store. A change goes to the store and nowhere else: whoever
// serves miners hears of it from there. The package never sees a miner, a session or a
// link, never shows a password, and never lets a request cost more than its named
// limits. openapi.json describes all of it to programs.
package api
