package bench

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"farmproxy/bench/attack"
	"farmproxy/bench/cli"
	"farmproxy/bench/scenario"
)

func runCommand(ctx context.Context, args []string, t cli.Terminal) error {
	o := scenario.DefaultOptions()
	flags := cli.NewFlags(t, "run", `
Runs simulated pools and miners, starts this program's proxy between them as a
child process, and compares the counts of both sides. Scenarios:

  farm    all miners connect; share load; jobs; all links drop twice; the pool
          goes down and another pool, with another extranonce2 size and mask,
          takes over; the first pool comes back
  steady  all miners connect; share load; then jobs without load
  floor   steady, in turn against the proxy and the floor, with the ratios. The
          floor is a responder that accepts every share and does nothing else:
          the least that a proxy could cost
  accounts
          three accounts at three pools with different algorithms, registered
          over REST, and a fourth account that is deleted; a pool goes down and
          comes back; the proxy is killed and started again; hash rates are
          compared
  hostile
          honest miners beside attackers, in stages: replayed shares, invalid
          shares of an algorithm that cannot be checked, a flood of scrypt
          shares, invented names and agents, connection storms, miners that do
          not read or send one byte at a time, a pool that keeps changing
          its mask and extranonce. The pool and the honest miners must not
          notice; the verdict has a line for each promise
  upgrade
          under load, the proxy hands itself over to new processes: to its own
          program -rounds times, to programs that crash, speak another format,
          are killed at each step, or sleep, and again to its own; with SIGSTOP
          for a minute. No miner may lose its connection or wait long for an
          answer, no newcomer may be refused, no counter may go back
  reload  under load, the proxy gets one configuration after another: the pools
          change places, a port comes and goes, a limit changes, and files with
          a mistake are refused. No miner may notice, but for the clean job of
          another pool
  split   miners of 1 to 500 TH/s are divided 70 to 30 between two pools; the
          second pool goes down and comes back; the weights become 10 to 90;
          each miner is moved twenty times over the API. Each time the work on
          the pools' books has to come -within what is wished, within -patience,
          for two windows of -duration; no share may be lost and no miner
          disconnected
  page    -rounds times, under load, after -calm: a window of -duration without
          a page, with one open page, and with ten; what they cost in bytes and
          processor time, and the memory of the process. A page that gets more
          than 50 kB/s is a breach, as are ten with more than 100

With -agent the proxy connects to the pools as an agent: workers are registered
once and unregistered when they leave, shares use the shortest form, and each
worker has its own difficulty. With -behind-agents the miners connect to the
proxy through simulated agents.

The exit code is 1 if the counts differ or a miner was disconnected. Costs are
the processor time of the child process, from /proc.`)
	apply := runFlags(flags, &o)
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if err := apply(); err != nil {
		return cli.Misused("%w", err)
	}
	return scenario.Run(ctx, o, t)
}

func runFlags(flags *flag.FlagSet, o *scenario.Options) (apply func() error) {
	flags.StringVar(&o.Scenario, "scenario", o.Scenario, "farm, steady, floor, accounts, hostile, upgrade, reload, split or page")
	flags.IntVar(&o.Miners, "miners", o.Miners, "number of miners; accounts: 3000, split: 2000, hostile: 1000, unless this is given")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "shares per second of all miners; accounts, hostile: 300, unless this is given")
	flags.IntVar(&o.Jobs, "jobs", o.Jobs, "number of measured jobs")
	flags.DurationVar(&o.JobEvery, "job-every", o.JobEvery, "interval between the measured jobs")
	flags.IntVar(&o.CleanEvery, "clean-every", o.CleanEvery, "every `n`-th measured job is clean; 0: none")
	flags.DurationVar(&o.Duration, "duration", o.Duration, "length of the measured share load; split: 1m of each window, accounts: 20s, hostile: 30s of attack per stage, unless this is given")
	flags.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds of scenario floor, whose figures are medians over them; upgrade: how often the proxy hands itself over; reload: how often all of it is done; page: of three windows each")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "seed of everything random")
	flags.StringVar(&o.JSON, "json", o.JSON, "write all figures to this `file`")
	flags.BoolVar(&o.Pass, "workers", o.Pass, "the proxy passes each worker name to the pool (workers = \"pass\")")
	flags.BoolVar(&o.Agent, "agent", o.Agent, "the proxy connects to the pools as an agent (agent+tcp://), so they see each worker")
	flags.BoolVar(&o.Direct, "direct", o.Direct, "upgrade: each miner has a link of its own to the pool (mode = \"direct\")")
	flags.IntVar(&o.Behind, "behind-agents", o.Behind, "number of agent `connections` that carry the miners to the proxy; 0: each miner has its own")
	flags.StringVar(&o.Roll, "roll", o.Roll, "what miners change besides nonces: `version`, time, both separated by a comma, or none; default: both, or version with -agent")
	flags.DurationVar(&o.Flight, "flight", o.Flight, "how long a share may take to reach the pool; a clean job within that time excuses a rejection")
	flags.DurationVar(&o.AnswerDelay, "answer-delay", o.AnswerDelay, "delay of the pools before each verdict; hostile: 20ms, unless this is given")
	flags.DurationVar(&o.Patience, "patience", o.Patience, "how long a job, a new link or a failover may take; longer is a breach; split: also the work to be as is wished, 5m unless this is given")
	flags.DurationVar(&o.Calm, "calm", o.Calm, "how long the load runs after each fault, before the next one; page: before the first window, 330s unless this is given")
	flags.IntVar(&o.Connecting, "connecting", o.Connecting, "concurrent dials")
	flags.Float64Var(&o.ConnectRate, "connect-rate", o.ConnectRate, "dials per second; 0: as fast as -connecting allows")
	flags.StringVar(&o.Profiles, "profile", o.Profiles, "write the proxy's CPU and heap profiles, from the start of the load, to this `directory`; with several rounds, those of the last one")
	flags.StringVar(&o.Only, "only", o.Only, "only these `names`, separated by commas; attacks of hostile: "+strings.Join(attack.Names(), ", ")+"; stages of upgrade: "+strings.Join(scenario.UpgradeStages(), ", "))
	flags.BoolVar(&o.Quick, "quick", o.Quick, "hostile: 6s of attack per stage; upgrade: without mute, asleep and pause, which wait for a timeout")
	flags.DurationVar(&o.Silence, "silence", o.Silence, "upgrade, reload: how long a miner may wait for an answer")
	flags.Float64Var(&o.Within, "within", o.Within, "split: by how much of all work a pool's part of a window may be off")
	flags.BoolVar(&o.OneAddress, "one-address", o.OneAddress, "hostile: attackers and honest miners are behind one address")
	childFlags(flags, o)
	floor := flags.Bool("floor", false, "the same as -scenario floor")
	return func() (err error) {
		if *floor {
			o.Scenario = scenario.Floor
		}
		scenarios := []string{scenario.Farm, scenario.Steady, scenario.Floor, scenario.Accounts, scenario.Hostile, scenario.Upgrade, scenario.Reload, scenario.Split, scenario.Page}
		if !slices.Contains(scenarios, o.Scenario) {
			return fmt.Errorf("-scenario: want farm, steady, floor, accounts, hostile, upgrade, reload, split or page, got %q", o.Scenario)
		}
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		o.Sizes(given)
		if err := o.FindExe(); err != nil {
			return err
		}
		return o.Check()
	}
}

// childFlags adds the flags of every command that starts the proxy.
func childFlags(flags *flag.FlagSet, o *scenario.Options) {
	flags.StringVar(&o.Exe, "exe", o.Exe, "the farmproxy `program` under measurement; default: this one")
	flags.BoolVar(&o.Keep, "keep", o.Keep, "keep the proxy's configuration and log even if the run succeeds")
}
