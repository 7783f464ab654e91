// Package monitoring has what farms with a Prometheus and a Grafana of their own need:
// alerts and dashboards, which go generate writes from one source, whose tests know every
// series that farmproxy has; and the files of two recipes, for a box (box) and for the
// centre of many sites (centre), which its tests run.
package monitoring

//go:generate go test . -rewrite
