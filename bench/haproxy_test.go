package bench

import (
	"strings"
	"testing"
)

// Each miner behind HAProxy takes two descriptors of the harness, which keeps some
// for itself.
func TestHowManyMinersFitBehindHAProxy(t *testing.T) {
	f := func(asked int, limit uint64, want int) {
		t.Helper()
		if got := haproxyMiners(asked, limit); got != want {
			t.Errorf("%d miners with %d descriptors: got %d, want %d", asked, limit, got, want)
		}
	}
	f(10_000, 20_000, 9_950)
	f(10_000, 1<<20, 10_000)
	f(100, 50, 0)
}

func TestHAProxyPassesBytesOnInOneThread(t *testing.T) {
	config := haproxyConfig("127.0.0.1:1", "127.0.0.1:2", 316)
	for _, line := range []string{"nbthread 1", "maxconn 316", "mode tcp", "bind 127.0.0.1:1", "server pool 127.0.0.1:2"} {
		if !strings.Contains(config, "    "+line+"\n") {
			t.Errorf("no %q in:\n%s", line, config)
		}
	}
}
