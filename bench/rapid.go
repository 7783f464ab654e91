package bench

import (
	"context"
	"slices"
	"time"
)

// rapid is the load of a chain with a block every few seconds, whose pool sends
// ten jobs a second.
const (
	rapidMiners = 5000
	rapidRate   = 500 // shares a second
	rapidEvery  = 100 * time.Millisecond
	rapidJobs   = 50
)

// rapid are the options of that load: fewer miners and shares where there are
// fewer in all.
func (o runOptions) rapid() runOptions {
	o.miners = min(o.miners, rapidMiners)
	o.rate = min(o.rate, rapidRate)
	o.jobEvery, o.jobs = rapidEvery, min(rapidJobs, 5*o.jobs)
	return o
}

// rapid measures how late jobs are that come so fast, with shares in between.
func (t *trial) rapid(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.fleet.SetRate(t.o.rate)
	if err := t.quiet(ctx); err != nil {
		return err
	}
	before, err := t.stand.child.cpu()
	if err != nil {
		return err
	}
	type sent struct {
		key WorkKey
		at  time.Time
	}
	var jobs []sent
	start := time.Now()
	for i := range t.o.jobs {
		t.say("job %d of %d, every %v", i+1, t.o.jobs, t.o.jobEvery)
		if err := sleep(ctx, start.Add(time.Duration(i)*t.o.jobEvery).Sub(time.Now())); err != nil {
			return err
		}
		key, at, err := t.stand.emit(true)
		if err != nil {
			return err
		}
		jobs = append(jobs, sent{key, at})
	}
	if _, err := t.arrives(ctx, jobs[len(jobs)-1].key, t.o.miners); err != nil {
		t.breach("the last of %d jobs: %v", len(jobs), err)
	}
	after, err := t.stand.child.cpu()
	if err != nil {
		return err
	}
	t.sample(keyRapidCPU, t.o.rate, (after-before).Seconds()/time.Since(start).Seconds())
	t.settle(ctx)
	var late []float64
	missed := 0.0
	for _, j := range jobs {
		n, last := t.fleet.jobs.arrived(j.key)
		if n < t.o.miners || last.Sub(j.at) > t.o.jobEvery {
			missed++ // a miner had it after the next one, or only the next one
		}
		if n > 0 {
			late = append(late, last.Sub(j.at).Seconds())
		}
	}
	slices.Sort(late)
	if len(late) > 0 {
		t.sample(keyRapidLast, t.o.rate, median(late))
	}
	t.sample(keyRapidMissed, t.o.rate, missed)
	return t.finish()
}
