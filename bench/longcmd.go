package bench

import (
	"context"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/record"
	"farmproxy/bench/scenario"
)

func longCommand(ctx context.Context, args []string, t cli.Terminal) error {
	o := scenario.MeasuringOptions(record.Long)
	o.Rate, o.Duration, o.Shares, o.Long, o.Rounds = 10_000, time.Hour, 10_000_000, true, 1
	o.JobEvery = 30 * time.Second
	flags := cli.NewFlags(t, "long", `
Lets the proxy serve a load for long and looks at its memory: it may not grow.
The load ends after -shares or -duration, whichever comes first. What it had
after a twentieth of that is what the end is compared with.`)
	flags.IntVar(&o.Miners, "miners", o.Miners, "how many")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "shares per second")
	flags.IntVar(&o.Shares, "shares", o.Shares, "that end the load")
	flags.DurationVar(&o.JobEvery, "job-every", o.JobEvery, "a new job that often, each third one clean")
	r := scenario.Recording{Args: args}
	recordingFlags(flags, &r)
	measuringFlags(flags, &o)
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if o.Shares < 1 || o.JobEvery <= 0 {
		return cli.Misused("-shares and -job-every: want more than 0")
	}
	if err := o.Ready(o.Miners); err != nil {
		return err
	}
	return scenario.Long(ctx, o, t, r)
}
