package stats

import (
	"math"
	"testing"
	"time"

	"farmproxy/work"
)

// epoch is where the tests' clocks start: at the edge of a bucket.
var epoch = time.Unix(1_700_000_010, 0)

func TestEpochIsAtTheEdgeOfABucket(t *testing.T) {
	if epoch.Unix()%bucketSeconds != 0 {
		t.Fatalf("%v is inside a bucket", epoch)
	}
}

// A miner that finds a share of difficulty 10 every 10 seconds has the hash rate of
// one share of difficulty 1 per second, at any time.
func TestHashRateOfASteadyMiner(t *testing.T) {
	f := func(after, tolerance float64) {
		t.Helper()
		var w window
		for s := 10.0; s <= after; s += 10 {
			w.add(at(s), 10)
		}
		got := w.hashRate(at(after), epoch) / work.HashesPerShare
		if math.Abs(got-1) > tolerance {
			t.Errorf("after %v s: %v shares a second, want 1 within %v", after, got, tolerance)
		}
	}
	f(30, 0)
	f(60, 0)
	f(90, 0)
	f(100, 0)
	f(299, 0.04) // 29 shares in 299 s: the last one is 9 s old
	f(300, 0)
	f(301, 0.04)
	f(315, 0.04)
	f(330, 0.04)
	f(3600, 0.04)
	f(3617, 0.04)
}

// The window must move smoothly: a steady miner's rate must not jump when a bucket
// drops out.
func TestHashRateHasNoSawtooth(t *testing.T) {
	var w window
	low, high := math.Inf(1), 0.0
	for s := 1.0; s <= 900; s++ {
		w.add(at(s), 1)
		if s < 30 {
			continue
		}
		r := w.hashRate(at(s), epoch) / work.HashesPerShare
		low, high = min(low, r), max(high, r)
	}
	if low < 0.99 || high > 1.01 {
		t.Errorf("the rate went from %v to %v, want 1 all along", low, high)
	}
}

func TestWindowSum(t *testing.T) {
	f := func(name string, now float64, want float64, shares ...float64) {
		t.Helper()
		var w window
		for _, s := range shares {
			w.add(at(s), 1)
		}
		if got := w.sum(at(now)); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	f("nothing", 0, 0)
	f("just now", 0, 1, 0)
	f("still inside", 299, 1, 0)
	f("a third of its bucket has left", 310, 2./3, 0)
	f("gone with its bucket", 330, 0, 0)
	f("one of two", 340, 1, 0, 60)
	f("the buckets come round", 3000, 1, 0, 2999)
	f("a long pause leaves nothing behind", 100_000, 0, 0, 31, 62, 93)
	f("the clock was set back by a minute", 40, 2, 100, 40)
}

// Less than a bucket counts as one: the first share must not show thirty times the
// true rate.
func TestHashRateOfTheFirstShare(t *testing.T) {
	var w window
	w.add(at(1), 30)
	if got := w.hashRate(at(1), epoch); got != work.HashesPerShare {
		t.Errorf("got %v H/s, want %v", got, float64(work.HashesPerShare))
	}
}

func at(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}
