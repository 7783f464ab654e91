package figure

import (
	"testing"
)

func TestHashRatesHaveTheirUnit(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		if got := HashRate(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	f(0, "0.00 H/s")
	f(999.994, "999.99 H/s")
	f(999.996, "1.00 kH/s")
	f(1.5e12, "1.50 TH/s")
	f(999.9999e15, "1.00 EH/s")
	f(3e27, "3000000.00 ZH/s")
}

func TestMedian(t *testing.T) {
	f := func(want float64, values ...float64) {
		t.Helper()
		if got := Median(values); got != want {
			t.Errorf("median of %v: got %v, want %v", values, got, want)
		}
	}
	f(0)
	f(3, 3)
	f(2, 3, 1)
	f(3, 9, 1, 2, 4)
}

func TestHashRate(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		if got := HashRate(v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(0, "0.00 H/s")
	f(1500, "1.50 kH/s")
	f(2.5e15, "2.50 PH/s")
	f(3e24, "3000.00 ZH/s")
}
