package bench

import (
	"context"
	"time"
)

// warmUp is the part of a long load that comes before its memory is compared:
// until then everything that is reused is made.
const warmUp = 1.0 / 20

// memoryLooks is how many times the memory is looked at over a long load.
const memoryLooks = 200

func longCommand(ctx context.Context, args []string, t terminal) error {
	o := measuringOptions(scenarioLong)
	o.rate, o.duration, o.shares, o.long, o.rounds = 10_000, time.Hour, 10_000_000, true, 1
	o.jobEvery = 30 * time.Second
	flags := newFlags(t, "long", `
Lets the proxy serve a load for long and looks at its memory: it may not grow.
The load ends after -shares or -duration, whichever comes first. What it had
after a twentieth of that is what the end is compared with.`)
	flags.IntVar(&o.miners, "miners", o.miners, "how many")
	flags.Float64Var(&o.rate, "rate", o.rate, "shares per second")
	flags.IntVar(&o.shares, "shares", o.shares, "that end the load")
	flags.DurationVar(&o.jobEvery, "job-every", o.jobEvery, "a new job that often, each third one clean")
	var r recording
	r.flags(flags)
	measuringFlags(flags, &o)
	if err := parse(flags, args); err != nil {
		return err
	}
	if o.shares < 1 || o.jobEvery <= 0 {
		return misused("-shares and -job-every: want more than 0")
	}
	if err := o.ready(o.miners); err != nil {
		return err
	}
	result := newResult(scenarioLong, r.commit, args)
	return result.finish(ctx, t, r, result.one(ctx, o, t, "long load", (*trial).long, sideProxy))
}

// long is one load with jobs, and what memory there was meanwhile.
func (t *trial) long(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.fleet.SetRate(t.o.rate)
	start, jobs, first := time.Now(), 0, int64(0)
	every := max(t.o.duration/memoryLooks, arriveEvery)
	for done := 0.0; done < 1; {
		if err := sleep(ctx, min(every, t.o.jobEvery)); err != nil {
			return err
		}
		past, shares := time.Since(start), t.fleet.books.Total().Submits
		done = max(past.Seconds()/t.o.duration.Seconds(), float64(shares)/float64(t.o.shares))
		rss, err := t.stand.child.rss()
		if err != nil {
			return err
		}
		t.memory = append(t.memory, Memory{past.Seconds(), shares, rss})
		t.say("%.1f %% of the load, memory %s", done*100, megabytes(float64(rss)))
		if first == 0 && done >= warmUp {
			first = rss
		}
		if past >= time.Duration(jobs+1)*t.o.jobEvery {
			jobs++
			if _, _, err := t.stand.emit(jobs%t.o.cleanEvery == 0); err != nil {
				return err
			}
		}
	}
	t.settle(ctx)
	last := t.memory[len(t.memory)-1].RSS
	t.sample(keyRSSLong, t.o.rate, float64(last))
	t.sample(keyGrowth, t.o.rate, float64(last)/float64(first)-1)
	return t.finish()
}
