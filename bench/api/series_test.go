package api

import (
	"strings"
	"testing"
)

func TestParseSeries(t *testing.T) {
	all, err := parseSeries([]byte("# HELP proxy_x y\nother 5\nproxy_x{a=\"1\",b=\"q\\\"}\"} 2\nproxy_x{a=\"2\"} 3.5e+06\nproxy_y 1\n"), "proxy_")
	if err != nil || len(all) != 3 {
		t.Fatalf("got %v, %v", all, err)
	}
	f := func(want float64, wantN int, name string, labels ...string) {
		t.Helper()
		if sum, n := Sum(all, name, labels...); sum != want || n != wantN {
			t.Errorf("%s %v: got %v of %d, want %v of %d", name, labels, sum, n, want, wantN)
		}
	}
	f(3.5e6+2, 2, "proxy_x")
	f(2, 1, "proxy_x", "a", "1")
	f(2, 1, "proxy_x", "b", `q\"}`)
	f(0, 0, "proxy_x", "a", "1", "b", "2")
	f(1, 1, "proxy_y")
	if _, err := parseSeries([]byte("proxy_x many\n"), "proxy_"); err == nil || !strings.Contains(err.Error(), "want a number") {
		t.Errorf("got %v", err)
	}
}
