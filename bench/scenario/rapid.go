package scenario

import (
	"context"
	"slices"
	"time"

	"farmproxy/bench/figure"
	"farmproxy/bench/proof"
	"farmproxy/bench/record"
	"farmproxy/bench/wait"
)

// rapid is the load of a chain with a block every few seconds, whose pool sends ten
// jobs a second.
const (
	rapidMiners = 5000
	rapidRate   = 500 // shares a second
	rapidEvery  = 100 * time.Millisecond
	rapidJobs   = 50
)

// rapid returns the options for that load: with fewer miners and shares if there are
// fewer in all.
func (o Options) rapid() Options {
	o.Miners = min(o.Miners, rapidMiners)
	o.Rate = min(o.Rate, rapidRate)
	o.JobEvery, o.Jobs = rapidEvery, min(rapidJobs, 5*o.Jobs)
	return o
}

// rapid measures the delay of such fast jobs, with shares in between.
func (t *trial) rapid(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.fleet.SetRate(t.o.Rate)
	if err := t.quiet(ctx); err != nil {
		return err
	}
	before, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	type sent struct {
		key proof.WorkKey
		at  time.Time
	}
	var jobs []sent
	start := time.Now()
	for i := range t.o.Jobs {
		t.say("job %d of %d, every %v", i+1, t.o.Jobs, t.o.JobEvery)
		if err := wait.For(ctx, time.Until(start.Add(time.Duration(i)*t.o.JobEvery))); err != nil {
			return err
		}
		key, at, err := t.stand.Emit(true)
		if err != nil {
			return err
		}
		jobs = append(jobs, sent{key, at})
	}
	if _, err := t.arrives(ctx, jobs[len(jobs)-1].key, t.o.Miners); err != nil {
		t.breach("the last of %d jobs: %v", len(jobs), err)
	}
	after, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	t.sample(record.KeyRapidCPU, t.o.Rate, (after-before).Seconds()/time.Since(start).Seconds())
	t.settle(ctx)
	var late []float64
	missed := 0.0
	for _, j := range jobs {
		n, last := t.fleet.Arrived(j.key)
		if n < t.o.Miners || last.Sub(j.at) > t.o.JobEvery {
			missed++ // a miner got it after the next one, or got only the next one
		}
		if n > 0 {
			late = append(late, last.Sub(j.at).Seconds())
		}
	}
	slices.Sort(late)
	if len(late) > 0 {
		t.sample(record.KeyRapidLast, t.o.Rate, figure.Median(late))
	}
	t.sample(record.KeyRapidMissed, t.o.Rate, missed)
	return t.finish()
}
