package scenario

import (
	"context"
	"time"

	"farmproxy/bench/figure"
	"farmproxy/bench/record"
	"farmproxy/bench/wait"
)

// warmUp is the part of a long load that precedes the comparison of its memory: by then
// everything reusable has been allocated.
const warmUp = 1.0 / 20

// memoryLooks is how often memory is measured during a long load.
const memoryLooks = 200

// long is one load with jobs, and the memory used meanwhile.
func (t *trial) long(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.fleet.SetRate(t.o.Rate)
	start, jobs, first := time.Now(), 0, int64(0)
	every := max(t.o.Duration/memoryLooks, arriveEvery)
	for done := 0.0; done < 1; {
		if err := wait.For(ctx, min(every, t.o.JobEvery)); err != nil {
			return err
		}
		past, shares := time.Since(start), t.fleet.Books().Total().Submits
		done = max(past.Seconds()/t.o.Duration.Seconds(), float64(shares)/float64(t.o.Shares))
		rss, err := t.stand.Child.RSS()
		if err != nil {
			return err
		}
		anonymous, err := t.stand.Child.Anonymous()
		if err != nil {
			return err
		}
		t.memory = append(t.memory, record.Memory{Seconds: past.Seconds(), Shares: shares, RSS: rss, Anonymous: anonymous})
		t.say("%.1f %% of the load, memory %s", done*100, figure.Megabytes(float64(rss)))
		if first == 0 && done >= warmUp {
			first = anonymous
		}
		if past >= time.Duration(jobs+1)*t.o.JobEvery {
			jobs++
			if _, _, err := t.stand.Emit(jobs%t.o.CleanEvery == 0); err != nil {
				return err
			}
		}
	}
	t.settle(ctx)
	last := t.memory[len(t.memory)-1]
	t.sample(record.KeyRSSLong, t.o.Rate, float64(last.RSS))
	t.sample(record.KeyGrowth, t.o.Rate, float64(last.Anonymous)/float64(first)-1)
	return t.finish()
}
