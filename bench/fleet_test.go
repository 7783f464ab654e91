package bench

import (
	"context"
	"testing"
	"time"
)

// mustFleet connects a fleet to target, and is sure that all of it is at work.
func mustFleet(t *testing.T, target string, change func(*FleetOptions)) *Fleet {
	t.Helper()
	o := DefaultFleetOptions(target)
	o.Rate = 1000
	if change != nil {
		change(&o)
	}
	f, err := NewFleet(o)
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
func settle(t *testing.T, f *Fleet) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wantTime)
	defer cancel()
	if err := f.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestFleetAndPoolKeepTheSameBooks(t *testing.T) {
	p := mustPool(t, nil)
	f := mustFleet(t, p.Addr(), nil)
	wantSoon(t, "500 shares", func() bool { return f.Books().Total().Accepted >= 500 })
	p.Job(false)
	wantSoon(t, "500 more on a new job", func() bool { return f.Books().Total().Accepted >= 1000 })
	settle(t, f)

	total := f.Books().Total()
	if total.Refused+total.Unanswered+total.Disconnects+total.Garbage+total.TooHard != 0 {
		t.Errorf("want accepted shares only, got %+v", total)
	}
	if n := p.Books().Total().Accepted; n != total.Accepted {
		t.Errorf("the pool accepted %d, the fleet was told of %d", n, total.Accepted)
	}
	shares, _ := f.Books().Shares()
	for _, s := range shares {
		booked, ok := p.Books().Share(s.Hash)
		if !ok || booked.Refused != nil || booked.User != f.miners[s.Miner].name || booked.Key != s.Key {
			t.Fatalf("share %s of %s: on the pool's books as %+v", s.Hash, f.miners[s.Miner].name, booked)
		}
	}
	if users := p.Books().Users(); len(users) != 100 {
		t.Errorf("%d user names on the pool's books, want 100", len(users))
	}
}
