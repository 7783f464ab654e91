// Package monitoring has the alerts and the dashboard for farms with a Prometheus and a
// Grafana of their own. Both are made from one source, whose tests know every series that
// farmproxy has: go generate writes rules.yml and dashboard.json.
package monitoring

//go:generate go test . -rewrite
