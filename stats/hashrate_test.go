package stats

import "testing"

func TestHashRatesHaveTheUnitOfTheirSize(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		if got := HashRate(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	f(0, "0.00 H/s")
	f(8.533, "8.53 H/s")
	f(999.994, "999.99 H/s")
	f(999.995, "1.00 kH/s")
	f(110e12, "110.00 TH/s")
	f(999_999e12, "1.00 EH/s")
	f(1.2345e15, "1.23 PH/s")
	f(33e18, "33.00 EH/s")
	f(1e21, "1.00 ZH/s")
	f(1e27, "1000000.00 ZH/s")
}
