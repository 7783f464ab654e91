// Package api is farmproxy's HTTP surface: what monitoring, scripts and people
// ask it. It owns paths, queries, status codes and the JSON, and who may ask for
// what.
//
//	/healthz /readyz          systemd, load balancers  ┐
//	/metrics                  Prometheus               ├─ tokens ──> Server ──> stats.Book
//	/api/v1/status ...        scripts, dashboards      │               └─────> Registry (store.Store)
//	/api/v1/users ...         shops, operators         ┘
//
// What is counted is answered from the books at the moment it is asked for;
// accounts, pools and algorithms are the store's. A change goes to the store
// and nowhere else: who serves miners hears of it from there. It never sees a
// miner, a session or a link, never shows a password, and never lets a question
// cost more than its named limits. openapi.json says all of it to programs.
package api
