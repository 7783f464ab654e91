package api

import (
	"slices"
	"testing"
)

func TestWentBack(t *testing.T) {
	parse := func(text string) []Series {
		all, err := parseSeries([]byte(text), "farmproxy_")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := parse(`
farmproxy_miners 10
farmproxy_opened_total 7
farmproxy_shares_total{verdict="accepted",pool="a"} 5
farmproxy_shares_total{verdict="stale",pool="a"} 5
farmproxy_latency_seconds_bucket{le="1"} 3
farmproxy_latency_seconds_sum 2.5
`)
	f := func(after string, want ...string) {
		t.Helper()
		if got := WentBack(before, parse(after)); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(`
farmproxy_miners 9
farmproxy_opened_total 7
farmproxy_shares_total{pool="a",verdict="accepted"} 6
farmproxy_shares_total{pool="a",verdict="stale"} 5
farmproxy_latency_seconds_bucket{le="1"} 3
farmproxy_latency_seconds_sum 2.5
`)
	f(`
farmproxy_opened_total 6
farmproxy_shares_total{pool="a",verdict="accepted"} 6
farmproxy_latency_seconds_bucket{le="1"} 0
farmproxy_latency_seconds_sum 2.4
`,
		"farmproxy_opened_total was 7 and is 6",
		`farmproxy_shares_total,pool="a",verdict="stale" was 5 and is gone`,
		`farmproxy_latency_seconds_bucket,le="1" was 3 and is 0`,
		"farmproxy_latency_seconds_sum was 2.5 and is 2.4")
}
