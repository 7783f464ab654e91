package scenario

import "testing"

// An open page may get 50 kB/s.
func TestAPageThatGetsTooMuch(t *testing.T) {
	for bytes, want := range map[float64]string{
		0: "", 50_000: "", 50_100: "an open page gets 50.1 kB/s, want at most 50.0",
	} {
		if got := (&PageCost{Bytes: bytes}).over(); got != want {
			t.Errorf("%v: %q, want %q", bytes, got, want)
		}
	}
}
