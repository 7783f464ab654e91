package bench

import (
	"context"
	"fmt"
	"time"
)

// farm is the scenario that a farm lives through: all connect, load, jobs, the
// links die twice, the pool dies and the next one takes over, the first one
// comes back. Shares go on all the time.
func (t *trial) farm(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{
		t.connect,
		func(ctx context.Context) error { return t.roster(ctx, "with all connected", t.first()) },
		func(ctx context.Context) error { return t.load(ctx, t.o.duration) },
		func(ctx context.Context) error { return t.jobs(ctx, t.o.jobs, t.o.jobEvery) },
		func(ctx context.Context) error { return t.drop(ctx, "first") },
		func(ctx context.Context) error { return t.drop(ctx, "second") },
		t.failover,
		func(ctx context.Context) error { return t.roster(ctx, "after the failover", t.stand.pools[1]) },
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

// drop closes all links of the first pool and sees whether its jobs come
// through again.
func (t *trial) drop(ctx context.Context, which string) error {
	t.say("all links drop, the %s time", which)
	pool := t.stand.pools[0]
	pool.DropLinks()
	if !until(ctx, t.o.patience, func() bool { return pool.Links() > 0 }) {
		t.breach("after the %s drop no link came back within %v", which, t.o.patience)
		return ctx.Err()
	}
	key, _, err := t.stand.emit(false)
	if err != nil {
		return err
	}
	if _, err := t.arrives(ctx, key, t.o.miners); err != nil {
		t.breach("the job after the %s drop: %v", which, err)
	}
	return sleep(ctx, t.o.calm)
}

// failover stops the first pool and waits for the second one's job.
func (t *trial) failover(ctx context.Context) error {
	first, second := t.stand.pools[0], t.stand.pools[1]
	t.say("pool %s goes down", first.o.Name)
	fresh := second.Job(true) // one that no miner has seen
	start := time.Now()
	first.Stop()
	last, err := t.moved(ctx, second, fresh)
	if err != nil {
		t.breach("failover: %v", err)
		return ctx.Err()
	}
	t.fig.FailoverSeconds = last.Sub(start).Seconds()
	if _, err := t.arrives(ctx, second.Job(true).Key, t.o.miners); err != nil {
		t.breach("the job after the failover: %v", err)
	}
	return sleep(ctx, t.o.calm)
}

// comeBack starts the first pool again and waits for its job.
func (t *trial) comeBack(ctx context.Context) error {
	t.say("pool %s comes back", t.stand.pools[0].o.Name)
	pool := t.stand.pools[0]
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
	return sleep(ctx, t.o.calm)
}

// moved waits until all miners have the pool's job, and says since when.
func (t *trial) moved(ctx context.Context, to *Pool, job Job) (time.Time, error) {
	var miners int
	var last time.Time
	if until(ctx, t.o.patience, func() bool {
		miners, last = t.fleet.jobs.arrived(job.Key)
		return miners >= t.o.miners
	}) {
		return last, nil
	}
	return last, fmt.Errorf("only %d of %d miners have the job of pool %s after %v", miners, t.o.miners, to.o.Name, t.o.patience)
}
