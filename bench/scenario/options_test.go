package scenario

import (
	"testing"
)

// Each miner behind HAProxy takes two descriptors of the harness, which keeps some for
// itself.
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
