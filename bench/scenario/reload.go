package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"

	"farmproxy/bench/pool"
	"farmproxy/bench/stand"
	"farmproxy/bench/wait"
)

// reload gives the running proxy one configuration after another under load: no miner and
// no share may notice.
func (t *trial) reload(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	if err := t.load(ctx, t.o.Duration); err != nil {
		return err
	}
	second, err := stand.FreeAddr()
	if err != nil {
		return err
	}
	before, err := t.look(ctx)
	if err != nil {
		return err
	}
	t.fleet.Books().ResetTrips()
	for round := range t.o.Rounds {
		if err := t.reloads(ctx, round, second); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	silence := t.fleet.Books().RoundTrip(1)
	if t.fig.ReloadSilence = silence.Seconds(); silence > t.o.Silence {
		t.breach("a miner waited for its answer for %v, want %v at most", silence.Round(time.Millisecond), t.o.Silence)
	}
	after, err := t.look(ctx)
	if err != nil {
		return err
	}
	t.undisturbed(t.breach, before, after)
	if after.pid != before.pid {
		t.breach("process %d served before, and %d serves now", before.pid, after.pid)
	}
	t.settle(ctx)
	return t.finish()
}

// reloads is one round: the pools change places, a port comes, a limit changes, a file is
// broken, the port goes, and the pools are as before.
func (t *trial) reloads(ctx context.Context, round int, second string) error {
	first := t.stand.Options()
	swapped := first
	swapped.Pools = slices.Clone(first.Pools)
	slices.Reverse(swapped.Pools)
	port := fmt.Sprintf("\n[[listener]]\naddress = %q\n", second)
	for _, step := range []struct {
		what    string
		o       stand.ProxyOptions
		more    string
		refused bool
	}{
		{"the pools change places", swapped, "", false},
		{"a port comes", swapped, port, false},
		{"a limit changes", swapped, port + "\n[difficulty]\nshares_per_minute = 7\n", false},
		{"a mistake", first, "\n[log]\nlevel = \"loud\"\n", true},
		{"a key of the start", first, "\n[miners]\nloops = 255\n", true},
		{"the port goes", swapped, "", false},
		{"the pools are as before", first, "", false},
	} {
		t.say("reload, round %d: %s", round+1, step.what)
		start := time.Now()
		r, err := t.stand.Reload(ctx, step.o, step.more)
		t.fig.ReloadSeconds = max(t.fig.ReloadSeconds, time.Since(start).Seconds())
		switch {
		case step.refused && (err == nil || len(r.Problems) == 0):
			t.breach("%s: it is not refused", step.what)
		case !step.refused && err != nil:
			return fmt.Errorf("%s: %w", step.what, err)
		case !step.refused && len(r.Changes) == 0:
			t.breach("%s: farmproxy reload says that nothing has changed", step.what)
		}
		t.fig.Reloads++
		if step.more != "" && !step.refused {
			if err := subscribe(second, t.o.Patience); err != nil {
				t.breach("%s: a newcomer at the new port: %v", step.what, err)
			}
		}
		if !step.refused {
			if err := t.goes(ctx, step.o.Pools[0]); err != nil {
				t.breach("%s: %v", step.what, err)
			}
		}
	}
	return nil
}

// goes waits until a pool accepts shares.
func (t *trial) goes(ctx context.Context, to *pool.Pool) error {
	limited, cancel := context.WithTimeout(ctx, t.o.Patience)
	defer cancel()
	for before := to.Books().Total().Accepted; to.Books().Total().Accepted == before; {
		if wait.For(limited, arriveEvery) != nil {
			return fmt.Errorf("no share came to %s within %v", to.Options().Name, t.o.Patience)
		}
	}
	return nil
}
