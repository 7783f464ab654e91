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
Runs the proxy under load for a long time and checks that its memory does not
grow. The load ends after -shares or -duration, whichever comes first. The final
memory is compared with the memory after a twentieth of the load.`)
	flags.IntVar(&o.Miners, "miners", o.Miners, "number of miners")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "shares per second")
	flags.IntVar(&o.Shares, "shares", o.Shares, "stop the load after this many shares")
	flags.DurationVar(&o.JobEvery, "job-every", o.JobEvery, "interval between new jobs; every third job is clean")
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
