package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Scenarios that are recorded, see Result.
const (
	scenarioBudget = "budget"
	scenarioSweep  = "sweep"
	scenarioLong   = "long"
)

// measuringDifficulty takes four hashes a share: the harness, on the same cores,
// must find 20,000 a second and more.
const measuringDifficulty = 1.0 / (1 << 30)

// proxyReserve is what a process needs beside the sockets of its miners: the
// proxy keeps some 500 descriptors for links, HTTP and files.
const proxyReserve = 800

// recording says where a result goes besides the terminal.
type recording struct {
	commit string
	dir    string // a file of its own there; "": not recorded
}

func (r *recording) flags(flags *flag.FlagSet) {
	flags.StringVar(&r.commit, "commit", "unknown", "what is measured, as git describe has it")
	flags.StringVar(&r.dir, "record", "", "write every figure to a file in this `directory`: date-commit-scenario.json")
}

// measuringOptions are those that budget, sweep and long begin with.
func measuringOptions(scenario string) runOptions {
	o := defaultRunOptions()
	o.scenario, o.measuring, o.difficulty = scenario, true, measuringDifficulty
	o.miners, o.more, o.rate, o.fast = 10_000, 9_000, 2_000, 20_000
	o.jobs, o.jobEvery = 10, time.Second
	o.idle, o.idleEvery = time.Minute, 30*time.Second
	o.rounds = 6 // benchstat gives no confidence for fewer
	return o
}

// measuringFlags are those that budget, sweep and long share.
func measuringFlags(flags *flag.FlagSet, o *runOptions) {
	flags.DurationVar(&o.duration, "duration", o.duration, "of each load that is measured")
	flags.Uint64Var(&o.seed, "seed", o.seed, "of everything random")
	flags.IntVar(&o.connecting, "connecting", o.connecting, "dials at the same time")
	flags.BoolVar(&o.pass, "workers", o.pass, "the proxy passes each worker name to the pool (workers = \"pass\")")
	childFlags(flags, o)
}

// ready completes and checks the options of budget, sweep and long. most is how
// many miners there are at the same time.
func (o *runOptions) ready(most int) error {
	if err := o.findExe(); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return misuse{err}
	}
	var files syscall.Rlimit // the runtime has raised it as far as it may be
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil && uint64(most+proxyReserve) > uint64(files.Cur) {
		return misused("%d miners at the same time need %d file descriptors here and in the proxy, and there may be %d: raise the limit (ulimit -n) or take fewer miners (-miners, -more)",
			most, most+proxyReserve, files.Cur)
	}
	return nil
}

func budgetCommand(ctx context.Context, args []string, t terminal) error {
	o := measuringOptions(scenarioBudget)
	flags := newFlags(t, "budget", `
Measures what farmproxy may cost, and prints the medians as one table: each cost,
the budget, and whether it is met. Each round measures three in turn: the floor (a
responder that answers every share with yes and does nothing else), HAProxy if it
is installed (it passes bytes on to the pool), and farmproxy. Some 30 minutes;
nothing else should run on the machine. Exit code 1 when the books of both sides do not agree or a
miner was disconnected; never for a time or a size.`)
	flags.IntVar(&o.miners, "miners", o.miners, "how many; the budgets are for 10,000")
	flags.IntVar(&o.more, "more", o.more, "further miners, for the memory of each")
	flags.Float64Var(&o.rate, "rate", o.rate, "shares per second of the first load")
	flags.Float64Var(&o.fast, "fast", o.fast, "shares per second of the second load")
	flags.IntVar(&o.jobs, "jobs", o.jobs, "jobs that are measured")
	flags.DurationVar(&o.jobEvery, "job-every", o.jobEvery, "between those")
	flags.DurationVar(&o.idle, "idle", o.idle, "of nothing but jobs, that is measured")
	flags.DurationVar(&o.idleEvery, "idle-job-every", o.idleEvery, "between those jobs")
	flags.IntVar(&o.rounds, "rounds", o.rounds, "that medians are of")
	quick := flags.Bool("quick", false, "a smoke run of seconds: few miners, one round; its figures say nothing")
	var r recording
	r.flags(flags)
	measuringFlags(flags, &o)
	if err := parse(flags, args); err != nil {
		return err
	}
	if *quick {
		o.miners, o.more, o.rate, o.fast, o.rounds = 300, 100, 200, 1000, 1
		o.jobs, o.jobEvery, o.duration, o.idle, o.idleEvery = 2, 100*time.Millisecond, time.Second, time.Second, 500*time.Millisecond
	}
	if o.more < 1 || o.idle <= 0 || o.idleEvery <= 0 || !(o.fast > 0) || o.jobs < 1 {
		return misused("-more, -idle, -idle-job-every, -fast and -jobs: want more than 0")
	}
	if err := o.ready(o.miners + o.more); err != nil {
		return err
	}
	var without string
	if o.haproxy, without = findHAProxy(); without != "" {
		fmt.Fprintln(t.err, without)
	}
	result := newResult(scenarioBudget, r.commit, args)
	for n := range o.rounds {
		if err := result.round(ctx, o, t, fmt.Sprintf("round %d of %d", n+1, o.rounds)); err != nil {
			return result.finish(ctx, t, r, err)
		}
	}
	return result.finish(ctx, t, r, nil)
}

// round measures everything that has a budget, once.
func (r *Result) round(ctx context.Context, o runOptions, t terminal, turn string) error {
	if err := r.both(ctx, o, t, turn+", memory", (*trial).crowd); err != nil {
		return err
	}
	if err := r.both(ctx, o, t, turn+", costs", (*trial).costs); err != nil {
		return err
	}
	if o.haproxy != "" {
		if err := r.one(ctx, o.behindHAProxy(), t, turn+", passing on", (*trial).passing, sideHAProxy); err != nil {
			return err
		}
	}
	return r.one(ctx, o.rapid(), t, turn+", ten jobs a second", (*trial).rapid, sideProxy)
}

func sweepCommand(ctx context.Context, args []string, t terminal) error {
	o := measuringOptions(scenarioSweep)
	o.rounds, o.jobs = 3, 5
	flags := newFlags(t, "sweep", `
Measures costs for several numbers of miners at one rate of shares, and for
several rates at one number of miners, of the floor and the proxy in turn. Plot
what it records with farmproxy bench plot.`)
	crowds := flags.String("miners", "1000,5000,10000,19000", "`numbers` of miners, at -rate")
	rates := flags.String("rates", "500,1000,2000,5000,10000,20000", "`numbers` of shares per second, at -at miners")
	flags.IntVar(&o.miners, "at", o.miners, "miners that all rates are measured at")
	flags.Float64Var(&o.rate, "rate", o.rate, "shares per second that all numbers of miners are measured at")
	flags.IntVar(&o.jobs, "jobs", o.jobs, "jobs that are measured")
	flags.DurationVar(&o.jobEvery, "job-every", o.jobEvery, "between those")
	flags.IntVar(&o.rounds, "rounds", o.rounds, "that medians are of")
	var r recording
	r.flags(flags)
	measuringFlags(flags, &o)
	if err := parse(flags, args); err != nil {
		return err
	}
	numbers, err := parseNumbers("-miners", *crowds, MaxMiners)
	if err != nil {
		return err
	}
	if o.rates, err = parseNumbers("-rates", *rates, math.Inf(1)); err != nil {
		return err
	}
	if !slices.Contains(o.rates, o.rate) {
		o.rates = append(o.rates, o.rate) // all numbers of miners share it
	}
	most := o.miners
	for _, n := range numbers {
		most = max(most, int(n))
	}
	if err := o.ready(most); err != nil {
		return err
	}
	result := newResult(scenarioSweep, r.commit, args)
	for n := range o.rounds {
		for _, point := range sweepPoints(o, numbers) {
			turn := fmt.Sprintf("round %d of %d, %d miners", n+1, o.rounds, point.miners)
			if err := result.both(ctx, point, t, turn, (*trial).sweep); err != nil {
				return result.finish(ctx, t, r, err)
			}
		}
	}
	return result.finish(ctx, t, r, nil)
}

// sweepPoints are the options of each number of miners: all at the one rate, and
// one of them, which is added if it was not asked for, at all rates.
func sweepPoints(o runOptions, numbers []float64) (points []runOptions) {
	all := false
	for _, n := range numbers {
		p := o
		p.miners = int(n)
		if all = all || p.miners == o.miners; p.miners != o.miners {
			p.rates = []float64{o.rate}
		}
		points = append(points, p)
	}
	if !all {
		points = append(points, o)
	}
	return points
}

func parseNumbers(name, text string, most float64) (numbers []float64, err error) {
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil || !(n >= 1 && n <= most) {
			return nil, misused("%s: want numbers of 1 or more with commas between, got %q", name, text)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// both plays one scenario on the floor and then on the proxy, so that a busy
// minute of the machine meets both.
func (r *Result) both(ctx context.Context, o runOptions, t terminal, turn string, scenario func(*trial, context.Context) error) error {
	for _, on := range []side{sideFloor, sideProxy} {
		if err := r.one(ctx, o, t, turn, scenario, on); err != nil {
			return err
		}
	}
	return nil
}

// one plays one scenario and enters what it found.
func (r *Result) one(ctx context.Context, o runOptions, t terminal, turn string, scenario func(*trial, context.Context) error, on side) error {
	fmt.Fprintf(t.err, "%s, %s\n", turn, on)
	out, err := play(ctx, o, t, scenario, on)
	for _, b := range out.breaches() {
		r.Breaches = append(r.Breaches, fmt.Sprintf("%s, %s: %s", turn, on, b))
	}
	if out.Log != "" {
		r.Breaches = append(r.Breaches, fmt.Sprintf("%s, %s: the child's log is %s", turn, on, out.Log))
	}
	if err != nil {
		return fmt.Errorf("%s, %s: %w", turn, on, err)
	}
	r.add(on, out.samples)
	r.Memory = append(r.Memory, out.memory...)
	return nil
}

// finish prints what there is, also after failed has ended the run, and records
// a run that came to its end.
func (r *Result) finish(ctx context.Context, t terminal, to recording, failed error) error {
	switch {
	case ctx.Err() != nil:
		r.Breaches = append(r.Breaches, "interrupted before the end")
	case failed != nil:
		r.Breaches = append(r.Breaches, failed.Error())
	}
	r.Seconds = time.Since(r.Started).Seconds()
	r.order()
	t.printf("\n%s\n%s\n\n", r.Machine, r.Command)
	r.print(t)
	for _, b := range r.Breaches {
		t.printf("BREACH: %s\n", b)
	}
	if to.dir != "" && failed == nil {
		file, err := r.record(to.dir)
		if err != nil {
			return err
		}
		t.printf("recorded in %s\n", file)
	}
	if len(r.Breaches) > 0 {
		return errors.New("the run found breaches, see above")
	}
	return nil
}
