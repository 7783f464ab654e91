package floor

import (
	"context"
	"testing"
	"time"

	"farmproxy/bench/fleet"
)

// mustFleet connects a fleet to target and waits until all of it is at work.
func mustFleet(t *testing.T, target string, change func(*fleet.Options)) *fleet.Fleet {
	t.Helper()
	o := fleet.DefaultOptions(target)
	o.Rate = 1000
	if change != nil {
		change(&o)
	}
	f, err := fleet.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	ctx, cancel := context.WithTimeout(t.Context(), wantTime)
	defer cancel()
	if err := f.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	return f
}

// wantSoon waits until cond holds.
func wantSoon(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(wantTime); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// settle pauses the fleet and waits for all answers.
func settle(t *testing.T, f *fleet.Fleet) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wantTime)
	defer cancel()
	if err := f.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

// wantTime bounds every wait of a test: it only matters if something is broken.
const wantTime = 10 * time.Second
