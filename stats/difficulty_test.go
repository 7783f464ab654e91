package stats

import "testing"

// A worker's difficulty is shown as it was set.
func TestDifficultyIsShownAsItWasSet(t *testing.T) {
	for _, d := range []float64{0, 1, 65536, 150000, 1 << 40, 1.0 / (1 << 24), 0.1, 0.001, 1234.567, 5.5e-08} {
		if got := difficulty(d).value(); got != d {
			t.Errorf("%v is shown as %v", d, got)
		}
	}
}
