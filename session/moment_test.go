package session

import (
	"math"
	"testing"
	"time"
)

// A moment is never before the time that it stands for, and at most a sixteenth of a
// second after it.
func TestAMomentIsRoundedUp(t *testing.T) {
	f := func(of, want time.Duration) {
		t.Helper()
		if got := momentOf(of).time(); got != want {
			t.Errorf("%v: %v, want %v", of, got, want)
		}
	}
	const year = 365 * 24 * time.Hour
	f(0, 0)
	f(1, 62500*time.Microsecond)
	f(-1, 0)
	f(250*time.Millisecond, 250*time.Millisecond)
	f(251*time.Millisecond, 312500*time.Microsecond)
	f(-251*time.Millisecond, -250*time.Millisecond)
	f(4*year, 4*year)
	f(-4*year, -4*year)
	f(100*year, math.MaxInt32*momentLength) // nobody's time: from a file that is damaged
	f(-100*year, math.MinInt32*momentLength)
}

func TestAPowerIsAtLeastWhatItIsOf(t *testing.T) {
	f := func(of, want float64) {
		t.Helper()
		if got := powerOf(of).value(); got != want {
			t.Errorf("%v: %v, want %v", of, got, want)
		}
	}
	f(0, 0)
	f(-1, 0)
	f(1, 1)
	f(1.0000001, 2)
	f(0.3, 0.5)
	f(65536, 65536)
	f(math.SmallestNonzeroFloat64, leastPower)
	f(leastPower, leastPower)
	f(mostPower, mostPower)
	f(math.Inf(1), mostPower)
}
