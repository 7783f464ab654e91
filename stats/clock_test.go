package stats

import (
	"fmt"
	"math"
	"testing"
	"time"
	"unsafe"

	"farmproxy/work"
)

// stepped returns t by a wall clock that was set by d meanwhile: the monotonic reading
// stays. Package time offers no way to do that.
func stepped(t time.Time, d time.Duration) time.Time {
	moved := t.Add(d)
	(*struct {
		wall uint64
		ext  int64 // the monotonic reading
		loc  *time.Location
	})(unsafe.Pointer(&moved)).ext -= int64(d)
	return moved
}

var steps = []time.Duration{-40 * 24 * time.Hour, -time.Hour, -time.Minute, time.Minute, time.Hour, 40 * 24 * time.Hour}

func TestSteppedMovesTheWallClockOnly(t *testing.T) {
	now := time.Now()
	for _, d := range steps {
		s := stepped(now, d)
		if s.Sub(now) != 0 || s.Round(0).Sub(now.Round(0)) != d {
			t.Fatalf("%v came to %v, monotonic %v", d, s, s.Sub(now))
		}
	}
}

// forEachStep runs a test with a clock that is set in the middle of it: clock returns
// the time the given number of seconds after the start.
func forEachStep(t *testing.T, middle float64, test func(t *testing.T, d time.Duration, clock func(seconds float64) time.Time)) {
	for _, d := range append(steps, 0) {
		t.Run(fmt.Sprint(d), func(t *testing.T) {
			begin := time.Now()
			test(t, d, func(s float64) time.Time {
				now := begin.Add(time.Duration(s * float64(time.Second)))
				if s > middle {
					return stepped(now, d)
				}
				return now
			})
		})
	}
}

// The hash rate of a steady miner is the same before, across and after a step.
func TestHashRateAcrossAStepOfTheClock(t *testing.T) {
	forEachStep(t, 600, func(t *testing.T, _ time.Duration, clock func(float64) time.Time) {
		var w window
		since := stampOf(clock(0)).time()
		for s := 1.0; s <= 1800; s++ {
			w.add(clock(s), 1)
			if s < 330 {
				continue
			}
			if got := w.hashRate(clock(s), since) / work.HashesPerShare; math.Abs(got-1) > 0.02 {
				t.Fatalf("%v shares a second at %v s, want 1", got, s)
			}
		}
	})
}

// A worker is forgotten after Options.Forget, and not before, whatever the clock is
// set to; so are a total and a miner's books.
func TestNothingIsForgottenByAStepOfTheClock(t *testing.T) {
	forEachStep(t, 60, func(t *testing.T, _ time.Duration, clock func(float64) time.Time) {
		b := New(Options{Loops: 1, Forget: time.Hour, Settings: Settings{Predecessor: true}})
		at := 0.0
		b.now = func() time.Time { return clock(at) }
		w := b.Worker("a.rig")
		w.Connected(b.now(), "10.0.0.1:1", "")
		w.Mining("a", "pool", "sha256d")
		m := b.OpenMiner("10.0.0.1:1", "a", "sha256d", "pool")
		w.Share(0, b.now(), work.Accepted, 8)
		w.Disconnected(b.now(), 0)
		m.Close(b.now())
		want := func(after float64, workers, miners int) {
			t.Helper()
			at = after
			b.workers.sweep(b.now())
			b.ledger.sweep(b.now())
			b.miners.sweep(b.now(), 0)
			all, _ := b.miners.all(nil)
			if n := len(b.workers.all()); n != workers || len(all) != miners {
				t.Errorf("after %v s there are %d workers and %d miners, want %d and %d", after, n, len(all), workers, miners)
			}
			if totals := len(b.ledger.list(nil, byAccount)); totals != workers {
				t.Errorf("after %v s there are %d totals, want %d", after, totals, workers)
			}
		}
		want(30, 1, 1)
		want(59, 1, 1)
		want(100, 1, 0)
		want(3500, 1, 0)
		want(3700, 0, 0)
	})
}

// Displayed times follow the clock as it is set now.
func TestTimesAreShownByTheClockAsItStandsNow(t *testing.T) {
	forEachStep(t, 60, func(t *testing.T, _ time.Duration, clock func(float64) time.Time) {
		b := New(Options{Loops: 1})
		w := b.Worker("a.rig")
		w.Connected(clock(0), "", "")
		w.Share(0, clock(10), work.Accepted, 8)
		i := w.info(clock(100))
		for name, x := range map[string]struct {
			got time.Time
			ago time.Duration
		}{"last share": {i.LastShare, 90 * time.Second}, "connected since": {i.ConnectedSince, 100 * time.Second}} {
			if off := x.got.Sub(clock(100).Round(0).Add(-x.ago)); off.Abs() > time.Second {
				t.Errorf("%s is %v off", name, off)
			}
		}
	})
}
