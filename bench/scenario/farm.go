package scenario

import (
	"context"
	"fmt"
	"time"

	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/bench/wait"
)

// farm is a farm's day: all miners connect, load, jobs, the links die twice, the pool
// dies and the next one takes over, the first one returns. Shares flow all the time.
func (t *trial) farm(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{
		t.connect,
		func(ctx context.Context) error { return t.roster(ctx, "with all connected", t.first()) },
		func(ctx context.Context) error { return t.load(ctx, t.o.Duration) },
		func(ctx context.Context) error { return t.jobs(ctx, t.o.Jobs, t.o.JobEvery) },
		func(ctx context.Context) error { return t.drop(ctx, "first") },
		func(ctx context.Context) error { return t.drop(ctx, "second") },
		t.failover,
		func(ctx context.Context) error { return t.roster(ctx, "after the failover", t.stand.Pools[1]) },
		t.comeBack,
		func(ctx context.Context) error { return t.roster(ctx, "after the return", t.first()) },
		t.agentPhases,
	} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	t.settle(ctx)
	return t.finish()
}

// drop closes all links of the first pool and checks that its jobs get through again.
func (t *trial) drop(ctx context.Context, which string) error {
	t.say("all links drop, the %s time", which)
	pool := t.stand.Pools[0]
	pool.DropLinks()
	if !wait.Until(ctx, t.o.Patience, func() bool { return pool.Links() > 0 }) {
		t.breach("after the %s drop no link came back within %v", which, t.o.Patience)
		return ctx.Err()
	}
	key, _, err := t.stand.Emit(false)
	if err != nil {
		return err
	}
	if _, err := t.arrives(ctx, key, t.o.Miners); err != nil {
		t.breach("the job after the %s drop: %v", which, err)
	}
	return wait.For(ctx, t.o.Calm)
}

// failover stops the first pool and waits for the second one's job.
func (t *trial) failover(ctx context.Context) error {
	first, second := t.stand.Pools[0], t.stand.Pools[1]
	t.say("pool %s goes down", first.Options().Name)
	fresh := second.Job(true) // no miner has seen it
	start := time.Now()
	first.Stop()
	last, err := t.moved(ctx, second, fresh)
	if err != nil {
		t.breach("failover: %v", err)
		return ctx.Err()
	}
	t.fig.FailoverSeconds = last.Sub(start).Seconds()
	if _, err := t.arrives(ctx, second.Job(true).Key, t.o.Miners); err != nil {
		t.breach("the job after the failover: %v", err)
	}
	return wait.For(ctx, t.o.Calm)
}

// comeBack starts the first pool again and waits for its job.
func (t *trial) comeBack(ctx context.Context) error {
	t.say("pool %s comes back", t.stand.Pools[0].Options().Name)
	pool := t.stand.Pools[0]
	fresh := pool.Job(true)
	start := time.Now()
	if err := pool.Start(); err != nil {
		return err
	}
	last, err := t.moved(ctx, pool, fresh)
	if err != nil {
		t.breach("return: %v", err)
		return ctx.Err()
	}
	t.fig.ReturnSeconds = last.Sub(start).Seconds()
	return wait.For(ctx, t.o.Calm)
}

// moved waits until all miners have the pool's job, and returns when the last one got
// it.
func (t *trial) moved(ctx context.Context, to *pool.Pool, job proof.Job) (time.Time, error) {
	var miners int
	var last time.Time
	if wait.Until(ctx, t.o.Patience, func() bool {
		miners, last = t.fleet.Arrived(job.Key)
		return miners >= t.o.Miners
	}) {
		return last, nil
	}
	return last, fmt.Errorf("only %d of %d miners have the job of pool %s after %v", miners, t.o.Miners, to.Options().Name, t.o.Patience)
}
