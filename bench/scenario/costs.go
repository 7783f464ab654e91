package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/fleet"
	"farmproxy/bench/record"
	"farmproxy/bench/wait"
)

// Trials of budget, sweep and long: each enters its figures as samples.

// sample enters one figure. rate is in shares per second, or 0 if none are sent.
func (t *trial) sample(key string, rate, value float64) {
	miners := t.o.Miners
	if t.o.entered > 0 {
		miners = t.o.entered
	}
	t.samples = append(t.samples, record.Sample{Key: key, Miners: miners, Rate: rate, Value: value})
}

// costs measures everything with a budget except memory, which the rest would disturb:
// see crowd.
func (t *trial) costs(ctx context.Context) error {
	t.sample(record.KeyStart, 0, t.stand.Child.Listened.Seconds())
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.sample(record.KeyConnect, 0, t.fig.ConnectSeconds)
	if err := t.costOfShares(ctx, t.o.Rate, shareKeys{record.KeyShare, record.KeyP50, record.KeyP99, ""}); err != nil {
		return err
	}
	if err := t.costOfShares(ctx, t.o.Fast, shareKeys{record.KeyShareFast, record.KeyP50Fast, record.KeyP99Fast, record.KeyAllocShare}); err != nil {
		return err
	}
	t.sample(record.KeyReached, t.o.Fast, t.fig.SharesPerSecond)
	if err := t.costOfJobs(ctx, record.KeyAllocNotify); err != nil {
		return err
	}
	if len(t.stand.Pools) > 0 { // nobody asks this of the floor
		if err := t.idleWithJobs(ctx); err != nil {
			return err
		}
	}
	return t.finish()
}

// passing is what is compared with a proxy that only passes bytes on. It omits the fast
// load, which one thread can't carry.
func (t *trial) passing(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.sample(record.KeyConnect, 0, t.fig.ConnectSeconds)
	if err := t.memoryWithAJob(ctx); err != nil {
		return err
	}
	if err := t.costOfShares(ctx, t.o.Rate, shareKeys{record.KeyShare, record.KeyP50, record.KeyP99, ""}); err != nil {
		return err
	}
	if err := t.costOfJobs(ctx, ""); err != nil {
		return err
	}
	return t.finish()
}

// sweep measures the cost of shares at several rates, and of jobs, for one number of
// miners.
func (t *trial) sweep(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.sample(record.KeyConnect, 0, t.fig.ConnectSeconds)
	if err := t.memoryWithAJob(ctx); err != nil {
		return err
	}
	for _, rate := range t.o.Rates {
		if err := t.costOfShares(ctx, rate, shareKeys{record.KeyShare, record.KeyP50, record.KeyP99, ""}); err != nil {
			return err
		}
		t.sample(record.KeyReached, rate, t.fig.SharesPerSecond)
	}
	if err := t.costOfJobs(ctx, ""); err != nil {
		return err
	}
	return t.finish()
}

// shareKeys are the names of a load's figures; "" enters nothing.
type shareKeys struct{ cpu, p50, p99, allocations string }

// costOfShares measures a load at that rate.
func (t *trial) costOfShares(ctx context.Context, rate float64, keys shareKeys) error {
	counted, err := t.counting(ctx)
	if err != nil {
		return err
	}
	sent := t.fleet.Books().Total().Submits
	if err := t.loadAt(ctx, rate, t.o.Duration); err != nil {
		return err
	}
	t.settle(ctx)
	t.sample(keys.cpu, rate, t.fig.CPUPerShare)
	t.sample(keys.p50, rate, t.fig.RoundTripP50)
	t.sample(keys.p99, rate, t.fig.RoundTripP99)
	if keys.allocations == "" {
		return nil
	}
	n, ok, err := counted(ctx)
	if ok {
		t.sample(keys.allocations, rate, n/float64(t.fleet.Books().Total().Submits-sent))
	}
	return err
}

// costOfJobs measures jobs without load.
func (t *trial) costOfJobs(ctx context.Context, allocations string) error {
	if err := t.idle(ctx, min(t.o.Duration, idleAtMost)); err != nil {
		return err
	}
	counted, err := t.counting(ctx)
	if err != nil {
		return err
	}
	if err := t.jobs(ctx, t.o.Jobs, t.o.JobEvery); err != nil {
		return err
	}
	t.sample(record.KeyNotify, 0, t.fig.CPUPerNotify)
	t.sample(record.KeyLast, 0, t.fig.NotifyMedian)
	if allocations == "" {
		return nil
	}
	n, ok, err := counted(ctx)
	if ok {
		t.sample(allocations, 0, n/float64(t.o.Jobs*t.o.Miners))
	}
	return err
}

// idleWithJobs measures the cost of a farm that finds nothing and gets a job now and
// then.
func (t *trial) idleWithJobs(ctx context.Context) error {
	if err := t.quiet(ctx); err != nil {
		return err
	}
	before, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	start := time.Now()
	for due := t.o.IdleEvery / 2; due < t.o.Idle; due += t.o.IdleEvery {
		t.say("%v of nothing but a job every %v", t.o.Idle, t.o.IdleEvery)
		if err := wait.For(ctx, due-time.Since(start)); err != nil {
			return err
		}
		if err := t.oneJob(ctx); err != nil {
			return err
		}
	}
	if err := wait.For(ctx, t.o.Idle-time.Since(start)); err != nil {
		return err
	}
	after, err := t.stand.Child.CPU()
	t.sample(record.KeyIdle, 0, (after-before).Seconds()/time.Since(start).Seconds())
	return err
}

// oneJob sends a job and waits until all miners have it.
func (t *trial) oneJob(ctx context.Context) error {
	key, _, err := t.stand.Emit(false)
	if err != nil {
		return err
	}
	if _, err := t.arrives(ctx, key, t.o.Miners); err != nil {
		t.breach("a job: %v", err)
	}
	return ctx.Err()
}

// memoryWithAJob measures memory with all miners at work, after one job.
func (t *trial) memoryWithAJob(ctx context.Context) error {
	if err := t.oneJob(ctx); err != nil {
		return err
	}
	rss, err := t.restingRSS(ctx)
	t.sample(record.KeyRSS, 0, float64(rss))
	return err
}

// memoryPer returns the memory that each of so many miners takes, from the anonymous memory
// before and after they came. Resident memory has pages of the program, too, which come and
// go by megabytes.
func memoryPer(before, after int64, miners int) float64 {
	return float64(after-before) / float64(miners)
}

// restBefore lets the child settle before its memory is measured.
const restBefore = time.Second

func (t *trial) restingRSS(ctx context.Context) (int64, error) {
	return t.resting(ctx, t.stand.Child.RSS)
}

func (t *trial) restingAnonymous(ctx context.Context) (int64, error) {
	return t.resting(ctx, t.stand.Child.Anonymous)
}

func (t *trial) resting(ctx context.Context, memory func() (int64, error)) (int64, error) {
	if err := wait.For(ctx, min(restBefore, t.o.Duration)); err != nil {
		return 0, err
	}
	return memory()
}

// crowd measures the memory with the miners at work, and per additional miner.
func (t *trial) crowd(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	if err := t.memoryWithAJob(ctx); err != nil {
		return err
	}
	before, err := t.stand.Child.Anonymous()
	if err != nil {
		return err
	}
	t.say("%d further miners", t.o.More)
	o := t.fleet.Options()
	o.Miners, o.Sources, o.Seed = t.o.More, furtherSources, o.Seed+1
	o.Name = func(miner int) string { return fmt.Sprintf("%s.rig%05d", PoolUser, t.o.Miners+miner) }
	further, err := fleet.New(o)
	if err != nil {
		return err
	}
	defer further.Close()
	limited, cancel := context.WithTimeout(ctx, connectBase+time.Duration(t.o.More/connectRate)*time.Second)
	defer cancel()
	if err := further.Connect(limited); err != nil {
		return err
	}
	key, _, err := t.stand.Emit(false)
	if err != nil {
		return err
	}
	for _, fleet := range []*fleet.Fleet{t.fleet, further} {
		if _, err := arrives(ctx, fleet, key, fleet.Options().Miners, t.o.Patience); err != nil {
			t.breach("a job to %d miners: %v", t.o.Miners+t.o.More, err)
		}
	}
	after, err := t.restingAnonymous(ctx)
	if err != nil {
		return err
	}
	t.sample(record.KeyRSSMore, 0, memoryPer(before, after, t.o.More))
	if n := further.Books().Total(); n.Disconnects+n.Garbage+n.Failures > 0 {
		t.breach("the further miners had %d disconnects, %d failures, %d bad lines; the last: %s", n.Disconnects, n.Failures, n.Garbage, further.Books().LastTrouble())
	}
	return nil
}

// furtherSources differ from the first miners' addresses: each address has 28,000
// ports, and those of closed connections stay blocked for a minute.
var furtherSources = []string{"127.0.0.6", "127.0.0.7", "127.0.0.8", "127.0.0.9"}

// counting starts counting the proxy's allocations. counted returns their number; ok is
// false if it can't be known.
func (t *trial) counting(ctx context.Context) (counted func(context.Context) (n float64, ok bool, err error), err error) {
	if t.stand.HTTP == "" {
		return func(context.Context) (float64, bool, error) { return 0, false, nil }, nil
	}
	before, err := t.mallocs(ctx)
	if err != nil {
		return nil, err
	}
	begin, err := t.mallocs(ctx)
	question := begin - before // the cost of the request itself
	return func(ctx context.Context) (float64, bool, error) {
		end, err := t.mallocs(ctx)
		return max(0, end-begin-question), err == nil, err
	}, err
}

// mallocs returns how many objects the proxy has allocated so far.
func (t *trial) mallocs(ctx context.Context) (float64, error) {
	const name = "go_memstats_mallocs_total"
	all, err := api.At(t.stand.HTTP).Series(ctx, name)
	if err != nil {
		return 0, err
	}
	n, found := api.Sum(all, name)
	if found == 0 {
		return 0, errors.New("metrics: no " + name + " in " + http.MethodGet + " /metrics")
	}
	return n, nil
}
