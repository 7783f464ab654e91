package scenario

import "testing"

// An open page may get 50 kB/s, and ten 100.
func TestPagesThatGetTooMuch(t *testing.T) {
	for cost, want := range map[PageCost]string{
		{}:                                 "",
		{Bytes: 50_000, AllBytes: 100_000}: "",
		{Bytes: 50_100, AllBytes: 100_000}: "an open page gets 50.1 kB/s, want at most 50.0",
		{Bytes: 10_000, AllBytes: 100_100}: "10 open pages get 100.1 kB/s, want at most 100.0",
	} {
		if got := cost.over(); got != want {
			t.Errorf("%+v: %q, want %q", cost, got, want)
		}
	}
}
