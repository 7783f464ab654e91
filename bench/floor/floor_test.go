package floor

import (
	"context"
	"sync"
	"testing"
	"time"

	"farmproxy/bench/fleet"
	"farmproxy/bench/proof"
	"farmproxy/bench/stand"
)

func TestFloorAnswersAFleet(t *testing.T) {
	addr, err := stand.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	floor := New()
	var running sync.WaitGroup
	running.Go(func() {
		if err := floor.Run(ctx, addr, 1); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer cancel()

	f := mustFleet(t, addr, func(o *fleet.Options) { o.Miners = 50 })
	wantSoon(t, "200 shares", func() bool { return f.Books().Total().Accepted >= 200 })
	job, err := proof.NewJob(proof.NewTemplate(7, "floor", 12).Params(true, 8, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	floor.Notify(job.Params)
	wantSoon(t, "the job reached all miners", func() bool {
		n, _ := f.Arrived(job.Key)
		return n == 50
	})
	settle(t, f)
	if total := f.Books().Total(); total.Refused+total.Garbage+total.Disconnects+total.Unanswered != 0 {
		t.Errorf("got %+v", total)
	}
}

func TestFloorID(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		if got := string(idOf([]byte(line))); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
	f(`{"id":17,"method":"x"}`, "17")
	f(`{"method":"x","id":"a"}`, `"a"`)
	f(`{"method":"x"}`, "null")
}
