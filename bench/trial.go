package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Figures are what a trial measured. Those that were not measured are zero.
type Figures struct {
	Miners           int       `json:"miners"`
	ConnectSeconds   float64   `json:"connect_seconds"`
	NotifySeconds    []float64 `json:"notify_seconds"` // from the emission of each job to the last miner
	NotifyMedian     float64   `json:"notify_median_seconds"`
	NotifyMax        float64   `json:"notify_max_seconds"`
	RoundTripP50     float64   `json:"submit_p50_seconds"`
	RoundTripP99     float64   `json:"submit_p99_seconds"`
	SharesPerSecond  float64   `json:"shares_per_second"` // answered, while the load was measured
	CPUPerShare      float64   `json:"cpu_seconds_per_share"`
	CPUPerNotify     float64   `json:"cpu_seconds_per_notify"` // for each miner that gets one
	CPUIdle          float64   `json:"cpu_idle_seconds_per_second,omitempty"`
	RSSConnected     int64     `json:"rss_connected_bytes"`
	RSSEnd           int64     `json:"rss_end_bytes"`
	BytesUpPerShare  float64   `json:"bytes_up_per_share"` // proxy to pool, over the load
	KbitUp           float64   `json:"kbit_up_per_second"` // the same traffic
	CPUTicksShares   int64     `json:"cpu_ticks_shares"`   // clock ticks that CPUPerShare rests on
	CPUTicksNotifies int64     `json:"cpu_ticks_notifies"`
	FailoverSeconds  float64   `json:"failover_seconds,omitempty"` // pool gone to the last miner on the next one's job
	ReturnSeconds    float64   `json:"return_seconds,omitempty"`   // pool back to the last miner on its job
	GoneSeconds      float64   `json:"gone_seconds,omitempty"`     // account deleted to its last miner closed
	RestartSeconds   float64   `json:"restart_seconds,omitempty"`  // proxy killed to the last miner at work again
}

// trial is one fleet against one stand.
type trial struct {
	o     runOptions
	stand *stand
	fleet *Fleet
	fig   Figures

	samples []sample // of budget and sweep
	memory  []Memory // of long

	say    func(format string, args ...any) // what is going on, for the progress line
	breach func(format string, args ...any) // something that must not happen
}

// Bounds of the waits.
const (
	connectBase = 30 * time.Second       // for the first miner
	connectRate = 200                    // miners a second at the least, on a busy machine
	arriveEvery = 10 * time.Millisecond  // that often it is looked at
	idleAtMost  = 3 * time.Second        // resolves a third of a percent of a CPU
	quietBefore = 300 * time.Millisecond // after a phase, so that its work is not counted in the next
)

// connect brings the whole fleet to work.
func (t *trial) connect(ctx context.Context) error {
	t.say("connecting %d miners", t.o.miners)
	ctx, cancel := context.WithTimeout(ctx, connectBase+time.Duration(t.o.miners/connectRate)*time.Second)
	defer cancel()
	start := time.Now()
	if err := t.fleet.Connect(ctx); err != nil {
		return err
	}
	t.fig.Miners = t.o.miners
	t.fig.ConnectSeconds = time.Since(start).Seconds()
	var err error
	t.fig.RSSConnected, err = t.stand.child.rss()
	return err
}

// quiet waits between phases; not longer than they are.
func (t *trial) quiet(ctx context.Context) error { return sleep(ctx, min(quietBefore, t.o.duration)) }

// load has the fleet send shares at the usual rate, see loadAt.
func (t *trial) load(ctx context.Context, length time.Duration) error {
	return t.loadAt(ctx, t.o.rate, length)
}

// loadAt has the fleet send shares for the given time and measures their cost.
// The fleet is silent before and goes on afterwards.
func (t *trial) loadAt(ctx context.Context, rate float64, length time.Duration) error {
	t.say("%v of load, %g shares/s", length, rate)
	defer withoutCollector(rate * length.Seconds())()
	if err := t.quiet(ctx); err != nil {
		return err
	}
	up := t.bytesUp()
	before, err := t.stand.child.cpu()
	if err != nil {
		return err
	}
	if err := t.stand.profiles.begin(t.stand.child); err != nil {
		return err
	}
	sent, start := t.fleet.books.Total().Submits, time.Now()
	t.fleet.books.ResetTrips()
	t.fleet.SetRate(rate)
	if err := sleep(ctx, length); err != nil {
		return err
	}
	after, err := t.stand.child.cpu()
	if err != nil {
		return err
	}
	shares := t.fleet.books.Total().Submits - sent
	if shares == 0 {
		return fmt.Errorf("no share was sent in %v of load; last trouble: %s", length, t.fleet.books.lastTrouble())
	}
	t.fig.SharesPerSecond = float64(shares) / time.Since(start).Seconds()
	t.fig.CPUPerShare = (after - before).Seconds() / float64(shares)
	t.fig.CPUTicksShares = int64((after - before) / clockTick)
	t.fig.RoundTripP50 = t.fleet.books.RoundTrip(0.50).Seconds()
	t.fig.RoundTripP99 = t.fleet.books.RoundTrip(0.99).Seconds()
	up = t.bytesUp() - up
	t.fig.BytesUpPerShare = float64(up) / float64(shares)
	t.fig.KbitUp = float64(up) * 8 / 1000 / length.Seconds()
	return nil
}

// first is the pool that serves when none is down; the floor has none.
func (t *trial) first() *Pool {
	if len(t.stand.pools) == 0 {
		return nil
	}
	return t.stand.pools[0]
}

// bytesUp is what the serving pool received: probes of the others are not what a
// share costs.
func (t *trial) bytesUp() uint64 {
	if p := t.first(); p != nil {
		return p.BytesUp()
	}
	return 0
}

// idle measures what the child costs when nothing happens.
func (t *trial) idle(ctx context.Context, length time.Duration) error {
	t.say("%v of nothing", length)
	if err := t.quiet(ctx); err != nil {
		return err
	}
	before, err := t.stand.child.cpu()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := sleep(ctx, length); err != nil {
		return err
	}
	after, err := t.stand.child.cpu()
	t.fig.CPUIdle = (after - before).Seconds() / time.Since(start).Seconds()
	return err
}

// jobs sends jobs one after another and measures how they spread and what that
// costs. Shares that go on meanwhile are charged with what load measured, and
// without them the time is with what idle measured.
func (t *trial) jobs(ctx context.Context, count int, every time.Duration) error {
	if count == 0 {
		return nil
	}
	if err := t.quiet(ctx); err != nil {
		return err
	}
	before, err := t.stand.child.cpu()
	if err != nil {
		return err
	}
	sent, began := t.fleet.books.Total().Submits, time.Now()
	for i := range count {
		t.say("job %d of %d", i+1, count)
		start := time.Now()
		clean := t.o.cleanEvery > 0 && (i+1)%t.o.cleanEvery == 0
		key, emitted, err := t.stand.emit(clean)
		if err != nil {
			return err
		}
		last, err := t.arrives(ctx, key, t.o.miners)
		if err != nil {
			t.breach("job %d of %d: %v", i+1, count, err)
		} else {
			t.fig.NotifySeconds = append(t.fig.NotifySeconds, last.Sub(emitted).Seconds())
		}
		if err := sleep(ctx, every-time.Since(start)); err != nil {
			return err
		}
	}
	after, err := t.stand.child.cpu()
	if err != nil {
		return err
	}
	shares := t.fleet.books.Total().Submits - sent
	spent := (after - before).Seconds() - float64(shares)*t.fig.CPUPerShare
	if shares == 0 {
		spent -= t.fig.CPUIdle * time.Since(began).Seconds()
	}
	t.fig.CPUPerNotify = max(0, spent/float64(count*t.o.miners))
	t.fig.CPUTicksNotifies = int64(max(0, spent) / clockTick.Seconds())
	if sorted := slices.Sorted(slices.Values(t.fig.NotifySeconds)); len(sorted) > 0 {
		t.fig.NotifyMedian = sorted[len(sorted)/2]
		t.fig.NotifyMax = sorted[len(sorted)-1]
	}
	return nil
}

// arrives waits until that many miners got the work, and says when the last did.
func (t *trial) arrives(ctx context.Context, key WorkKey, miners int) (time.Time, error) {
	return arrives(ctx, t.fleet, key, miners, t.o.patience)
}

func arrives(ctx context.Context, fleet *Fleet, key WorkKey, miners int, patience time.Duration) (time.Time, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		n, last := fleet.jobs.arrived(key)
		if n >= miners {
			return last, nil
		}
		if sleep(limited, arriveEvery) != nil {
			return last, fmt.Errorf("only %d of %d miners got it within %v", n, miners, patience)
		}
	}
}

// until waits for a condition, and is false when it did not come in time.
func until(ctx context.Context, within time.Duration, cond func() bool) bool {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !cond() {
		if sleep(limited, 5*time.Millisecond) != nil {
			return cond()
		}
	}
	return true
}

// settle ends the load and waits for the last verdicts.
func (t *trial) settle(ctx context.Context) {
	t.say("waiting for the last verdicts")
	limited, cancel := context.WithTimeout(ctx, t.o.patience)
	defer cancel()
	if err := t.fleet.Settle(limited); err != nil && ctx.Err() == nil {
		t.breach("%d shares have no answer after %v", t.fleet.Pending(), t.o.patience)
	}
}

// steady is the scenario of that name, and the one that stands are compared in:
// connect, load, then jobs while no share is on its way.
func (t *trial) steady(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	if err := t.roster(ctx, "with all connected", t.first()); err != nil {
		return err
	}
	if err := t.load(ctx, t.o.duration); err != nil {
		return err
	}
	t.settle(ctx)
	if err := t.idle(ctx, min(t.o.duration, idleAtMost)); err != nil {
		return err
	}
	if err := t.jobs(ctx, t.o.jobs, t.o.jobEvery); err != nil {
		return err
	}
	if err := t.agentPhases(ctx); err != nil {
		return err
	}
	return t.finish()
}

// finish takes the last figures while the fleet is still connected.
func (t *trial) finish() (err error) {
	if err := t.stand.profiles.end(t.stand.child); err != nil {
		return err
	}
	t.fig.RSSEnd, err = t.stand.child.rss()
	return err
}
