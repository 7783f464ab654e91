package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"

	"farmproxy/bench/fleet"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/bench/record"
	"farmproxy/bench/stand"
	"farmproxy/bench/wait"
)

// trial is one fleet against one stand.
type trial struct {
	o     Options
	stand *stand.Stand
	fleet *fleet.Fleet
	fig   Figures

	samples []record.Sample // of budget and sweep
	memory  []record.Memory // of long

	splits   []SplitPart // of scenario split
	notes    []string    // stages that were left out
	cuts     []cut       // when the proxy was killed
	suffered trouble     // by that

	say    func(format string, args ...any) // current activity, for the progress line
	breach func(format string, args ...any) // reports something that must not happen
}

// Bounds of the waits.
const (
	connectBase = 30 * time.Second       // for the first miner
	connectRate = 200                    // at least this many miners per second, even on a busy machine
	arriveEvery = 10 * time.Millisecond  // how often it is checked
	idleAtMost  = 3 * time.Second        // resolves a third of a percent of a CPU
	quietBefore = 300 * time.Millisecond // after a phase, so that its work does not count in the next
)

// connect brings the whole fleet to work.
func (t *trial) connect(ctx context.Context) error {
	t.say("connecting %d miners", t.o.Miners)
	ctx, cancel := context.WithTimeout(ctx, connectBase+time.Duration(t.o.Miners/connectRate)*time.Second)
	defer cancel()
	start := time.Now()
	if err := t.fleet.Connect(ctx); err != nil {
		return err
	}
	t.fig.Miners = t.o.Miners
	t.fig.ConnectSeconds = time.Since(start).Seconds()
	var err error
	t.fig.RSSConnected, err = t.stand.Child.RSS()
	return err
}

// quiet waits between phases, but no longer than they last.
func (t *trial) quiet(ctx context.Context) error {
	return wait.For(ctx, min(quietBefore, t.o.Duration))
}

// load makes the fleet send shares at the usual rate, see loadAt.
func (t *trial) load(ctx context.Context, length time.Duration) error {
	return t.loadAt(ctx, t.o.Rate, length)
}

// loadAt makes the fleet send shares for the given time and measures their cost. The
// fleet is silent before and goes on afterwards.
func (t *trial) loadAt(ctx context.Context, rate float64, length time.Duration) error {
	t.say("%v of load, %g shares/s", length, rate)
	defer stand.WithoutCollector(rate * length.Seconds())()
	if err := t.quiet(ctx); err != nil {
		return err
	}
	up := t.bytesUp()
	before, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	if err := t.stand.Profiles.Begin(t.stand.Child); err != nil {
		return err
	}
	sent, start := t.fleet.Books().Total().Submits, time.Now()
	t.fleet.Books().ResetTrips()
	t.fleet.SetRate(rate)
	if err := wait.For(ctx, length); err != nil {
		return err
	}
	after, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	shares := t.fleet.Books().Total().Submits - sent
	if shares == 0 {
		return fmt.Errorf("no share was sent in %v of load; last trouble: %s", length, t.fleet.Books().LastTrouble())
	}
	t.fig.SharesPerSecond = float64(shares) / time.Since(start).Seconds()
	t.fig.CPUPerShare = (after - before).Seconds() / float64(shares)
	t.fig.CPUTicksShares = int64((after - before) / stand.ClockTick)
	t.fig.RoundTripP50 = t.fleet.Books().RoundTrip(0.50).Seconds()
	t.fig.RoundTripP99 = t.fleet.Books().RoundTrip(0.99).Seconds()
	up = t.bytesUp() - up
	t.fig.BytesUpPerShare = float64(up) / float64(shares)
	t.fig.KbitUp = float64(up) * 8 / 1000 / length.Seconds()
	return nil
}

// first returns the pool that serves when none is down; the floor has none.
func (t *trial) first() *pool.Pool {
	if len(t.stand.Pools) == 0 {
		return nil
	}
	return t.stand.Pools[0]
}

// bytesUp returns what the serving pool received: probes of the others are not part of
// a share's cost.
func (t *trial) bytesUp() uint64 {
	if p := t.first(); p != nil {
		return p.BytesUp()
	}
	return 0
}

// idle measures the child's cost when nothing happens.
func (t *trial) idle(ctx context.Context, length time.Duration) error {
	t.say("%v of nothing", length)
	if err := t.quiet(ctx); err != nil {
		return err
	}
	before, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := wait.For(ctx, length); err != nil {
		return err
	}
	after, err := t.stand.Child.CPU()
	t.fig.CPUIdle = (after - before).Seconds() / time.Since(start).Seconds()
	return err
}

// jobs sends jobs one after another and measures how they spread and what that costs.
// Concurrent shares are charged at the rate that load measured, and without them the
// time is charged at the rate that idle measured.
func (t *trial) jobs(ctx context.Context, count int, every time.Duration) error {
	if count == 0 {
		return nil
	}
	if err := t.quiet(ctx); err != nil {
		return err
	}
	before, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	sent, began := t.fleet.Books().Total().Submits, time.Now()
	for i := range count {
		t.say("job %d of %d", i+1, count)
		start := time.Now()
		clean := t.o.CleanEvery > 0 && (i+1)%t.o.CleanEvery == 0
		key, emitted, err := t.stand.Emit(clean)
		if err != nil {
			return err
		}
		last, err := t.arrives(ctx, key, t.o.Miners)
		if err != nil {
			t.breach("job %d of %d: %v", i+1, count, err)
		} else {
			t.fig.NotifySeconds = append(t.fig.NotifySeconds, last.Sub(emitted).Seconds())
		}
		if err := wait.For(ctx, every-time.Since(start)); err != nil {
			return err
		}
	}
	after, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	shares := t.fleet.Books().Total().Submits - sent
	spent := (after - before).Seconds() - float64(shares)*t.fig.CPUPerShare
	if shares == 0 {
		spent -= t.fig.CPUIdle * time.Since(began).Seconds()
	}
	t.fig.CPUPerNotify = max(0, spent/float64(count*t.o.Miners))
	t.fig.CPUTicksNotifies = int64(max(0, spent) / stand.ClockTick.Seconds())
	if sorted := slices.Sorted(slices.Values(t.fig.NotifySeconds)); len(sorted) > 0 {
		t.fig.NotifyMedian = sorted[len(sorted)/2]
		t.fig.NotifyMax = sorted[len(sorted)-1]
	}
	return nil
}

// arrives waits until that many miners have the work, and returns when the last one got
// it.
func (t *trial) arrives(ctx context.Context, key proof.WorkKey, miners int) (time.Time, error) {
	return arrives(ctx, t.fleet, key, miners, t.o.Patience)
}

func arrives(ctx context.Context, fleet *fleet.Fleet, key proof.WorkKey, miners int, patience time.Duration) (time.Time, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		n, last := fleet.Arrived(key)
		if n >= miners {
			return last, nil
		}
		if wait.For(limited, arriveEvery) != nil {
			return last, fmt.Errorf("only %d of %d miners got it within %v", n, miners, patience)
		}
	}
}

// settle ends the load and waits for the last verdicts.
func (t *trial) settle(ctx context.Context) {
	t.say("waiting for the last verdicts")
	limited, cancel := context.WithTimeout(ctx, t.o.Patience)
	defer cancel()
	if err := t.fleet.Settle(limited); err != nil && ctx.Err() == nil {
		t.breach("%d shares have no answer after %v", t.fleet.Pending(), t.o.Patience)
	}
}

// steady is the scenario of that name, in which stands are also compared: connect,
// load, then jobs while no share is in flight.
func (t *trial) steady(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	if err := t.roster(ctx, "with all connected", t.first()); err != nil {
		return err
	}
	if err := t.load(ctx, t.o.Duration); err != nil {
		return err
	}
	t.settle(ctx)
	if err := t.idle(ctx, min(t.o.Duration, idleAtMost)); err != nil {
		return err
	}
	if err := t.jobs(ctx, t.o.Jobs, t.o.JobEvery); err != nil {
		return err
	}
	if err := t.agentPhases(ctx); err != nil {
		return err
	}
	return t.finish()
}

// finish takes the last figures while the fleet is still connected.
func (t *trial) finish() (err error) {
	if err := t.stand.Profiles.End(t.stand.Child); err != nil {
		return err
	}
	t.fig.RSSEnd, err = t.stand.Child.RSS()
	return err
}
