package bench

import (
	"context"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/fleet"
	"farmproxy/bench/record"
	"farmproxy/bench/scenario"
	"farmproxy/bench/stand"
)

func recordingFlags(flags *flag.FlagSet, r *scenario.Recording) {
	flags.StringVar(&r.Commit, "commit", "unknown", "the version under measurement, as git describe prints it")
	flags.StringVar(&r.Dir, "record", "", "write every figure to a file in this `directory`: date-commit-scenario.json")
}

// measuringFlags adds the flags that budget, sweep and long share.
func measuringFlags(flags *flag.FlagSet, o *scenario.Options) {
	flags.DurationVar(&o.Duration, "duration", o.Duration, "length of each measured load")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "seed of everything random")
	flags.IntVar(&o.Connecting, "connecting", o.Connecting, "concurrent dials")
	flags.BoolVar(&o.Pass, "workers", o.Pass, "the proxy passes each worker name to the pool (workers = \"pass\")")
	childFlags(flags, o)
}

func budgetCommand(ctx context.Context, args []string, t cli.Terminal) error {
	o := scenario.MeasuringOptions(record.Budget)
	flags := cli.NewFlags(t, "budget", `
Measures every cost that has a budget, and prints the medians as one table: the
cost, its budget, and whether it is met. Each round measures three in turn: the
floor (a responder that accepts every share and does nothing else), HAProxy if
it is installed (it passes bytes on to the pool), and farmproxy; then farmproxy
with open pages. It takes about 45 minutes; nothing else should run on the
machine. The exit code is 1 if the counts of both sides differ or a miner was
disconnected, never because of a time or a size.`)
	flags.IntVar(&o.Miners, "miners", o.Miners, "number of miners; the budgets are for 10,000")
	flags.IntVar(&o.More, "more", o.More, "additional miners, to measure the memory per miner")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "shares per second of the first load")
	flags.Float64Var(&o.Fast, "fast", o.Fast, "shares per second of the second load")
	flags.IntVar(&o.Jobs, "jobs", o.Jobs, "number of measured jobs")
	flags.DurationVar(&o.JobEvery, "job-every", o.JobEvery, "interval between the measured jobs")
	flags.DurationVar(&o.Idle, "idle", o.Idle, "length of the measured phase without shares")
	flags.DurationVar(&o.IdleEvery, "idle-job-every", o.IdleEvery, "interval between jobs in the phase without shares")
	flags.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds; the figures are medians over them")
	flags.BoolVar(&o.OnlyTLS, "tls", false, "measure only miners over TLS: HAProxy, which ends TLS in front of the pool, and farmproxy")
	quick := flags.Bool("quick", false, "a smoke test of a few seconds: few miners, one round; its figures mean nothing")
	r := scenario.Recording{Args: args}
	recordingFlags(flags, &r)
	measuringFlags(flags, &o)
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if *quick {
		o.Miners, o.More, o.Rate, o.Fast, o.Rounds = 300, 100, 200, 1000, 1
		o.Jobs, o.JobEvery, o.Duration, o.Idle, o.IdleEvery = 2, 100*time.Millisecond, time.Second, time.Second, 500*time.Millisecond
	}
	if o.More < 1 || o.Idle <= 0 || o.IdleEvery <= 0 || !(o.Fast > 0) || o.Jobs < 1 {
		return cli.Misused("-more, -idle, -idle-job-every, -fast and -jobs: want more than 0")
	}
	if err := o.Ready(o.Miners + o.More); err != nil {
		return err
	}
	var without string
	if o.HAProxy, without = stand.FindHAProxy(); without != "" {
		fmt.Fprintln(t.Err, without)
	}
	return scenario.Budget(ctx, o, t, r)
}

func sweepCommand(ctx context.Context, args []string, t cli.Terminal) error {
	o := scenario.MeasuringOptions(record.Sweep)
	o.Rounds, o.Jobs = 3, 5
	flags := cli.NewFlags(t, "sweep", `
Measures the costs of the floor and the proxy in turn: for several numbers of
miners at one share rate, and for several share rates at one number of miners.
The floor is a responder that accepts every share and does nothing else. Plot
the recording with farmproxy bench plot.`)
	crowds := flags.String("miners", "1000,5000,10000,19000", "`numbers` of miners, at -rate")
	rates := flags.String("rates", "500,1000,2000,5000,10000,20000", "`rates` in shares per second, with -at miners")
	flags.IntVar(&o.Miners, "at", o.Miners, "number of miners for all -rates")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "shares per second for all numbers of -miners")
	flags.IntVar(&o.Jobs, "jobs", o.Jobs, "number of measured jobs")
	flags.DurationVar(&o.JobEvery, "job-every", o.JobEvery, "interval between the measured jobs")
	flags.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds; the figures are medians over them")
	r := scenario.Recording{Args: args}
	recordingFlags(flags, &r)
	measuringFlags(flags, &o)
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	numbers, err := parseNumbers("-miners", *crowds, fleet.MaxMiners)
	if err != nil {
		return err
	}
	if o.Rates, err = parseNumbers("-rates", *rates, math.Inf(1)); err != nil {
		return err
	}
	if !slices.Contains(o.Rates, o.Rate) {
		o.Rates = append(o.Rates, o.Rate) // all numbers of miners share it
	}
	most := o.Miners
	for _, n := range numbers {
		most = max(most, int(n))
	}
	if err := o.Ready(most); err != nil {
		return err
	}
	return scenario.Sweep(ctx, o, numbers, t, r)
}

func parseNumbers(name, text string, most float64) (numbers []float64, err error) {
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil || !(n >= 1 && n <= most) {
			return nil, cli.Misused("%s: want numbers of 1 or more with commas between, got %q", name, text)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}
