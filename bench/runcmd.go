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
Hosts the pools and the fleet, starts this program's proxy between them as a
child process, and compares the books of both sides. Scenarios:

  farm    all connect, share load, jobs; all links drop twice; the pool goes down
          and another one, with another extranonce2 size and mask, takes over;
          the first one comes back
  steady  all connect, share load, then jobs without load
  floor   steady, in turn against the floor and the proxy, with the ratios
  accounts
          three accounts at three pools of different algorithms, registered over
          REST, and a fourth one that is deleted; a pool goes and comes back; the
          proxy is killed and started again; hash rates are compared
  hostile
          honest miners beside attackers, in stages: replayed shares, junk of an
          algorithm that can't be checked, a flood of scrypt, invented names and
          agents, storms of connections, miners that don't read or send a byte at
          a time, a pool that changes its mind. The pool and the honest miners
          must not notice: each promise is a line of the verdict

With -agent the proxy is an agent at the pools: workers are registered once and
unregistered when they leave, shares are in the shortest form, difficulties are
those of each worker. With -behind-agents the miners are behind agents of the
harness's own.

Exit code 1 when the books do not agree or a miner was disconnected. Costs are
processor time of the child, out of /proc.`)
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
	flags.StringVar(&o.Scenario, "scenario", o.Scenario, "farm, steady, floor, accounts or hostile")
	flags.IntVar(&o.Miners, "miners", o.Miners, "how many; accounts: 3000, hostile: 1000, unless this is given")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "shares per second of all miners; accounts, hostile: 300, unless this is given")
	flags.IntVar(&o.Jobs, "jobs", o.Jobs, "jobs that are measured")
	flags.DurationVar(&o.JobEvery, "job-every", o.JobEvery, "between those")
	flags.IntVar(&o.CleanEvery, "clean-every", o.CleanEvery, "every `n`-th of them is clean; 0: none")
	flags.DurationVar(&o.Duration, "duration", o.Duration, "of the share load that is measured; accounts: 20s, hostile: 30s of attack a stage, unless this is given")
	flags.IntVar(&o.Rounds, "rounds", o.Rounds, "of scenario floor; figures are medians over them")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "of everything random")
	flags.StringVar(&o.JSON, "json", o.JSON, "write all figures to this `file`")
	flags.BoolVar(&o.Pass, "workers", o.Pass, "the proxy passes each worker name to the pool (workers = \"pass\")")
	flags.BoolVar(&o.Agent, "agent", o.Agent, "the proxy is an agent at the pools (agent+tcp://), which see each worker")
	flags.IntVar(&o.Behind, "behind-agents", o.Behind, "`connections` of agents that carry the miners to the proxy; 0: each miner has its own")
	flags.StringVar(&o.Roll, "roll", o.Roll, "what miners change beside nonces: `version`, time, both separated by a comma, or none; default: both, with -agent version")
	flags.DurationVar(&o.Flight, "flight", o.Flight, "that long a share may take to the pool; a clean job within excuses a refusal")
	flags.DurationVar(&o.AnswerDelay, "answer-delay", o.AnswerDelay, "of the pools, before each verdict; hostile: 20ms, unless this is given")
	flags.DurationVar(&o.Patience, "patience", o.Patience, "with a job, a new link or another pool: not in time is a breach")
	flags.DurationVar(&o.Calm, "calm", o.Calm, "of load after each trouble, before the next one")
	flags.IntVar(&o.Connecting, "connecting", o.Connecting, "dials at the same time")
	flags.Float64Var(&o.ConnectRate, "connect-rate", o.ConnectRate, "dials per second; 0: as fast as -connecting allows")
	flags.StringVar(&o.Profiles, "profile", o.Profiles, "write the proxy's CPU and heap profiles, from the load on, to this `directory`; of several rounds the last")
	flags.StringVar(&o.Only, "only", o.Only, "hostile: these `attacks`, separated by commas: "+strings.Join(attack.Names(), ", "))
	flags.BoolVar(&o.Quick, "quick", o.Quick, "hostile: 6s of attack a stage")
	childFlags(flags, o)
	floor := flags.Bool("floor", false, "the same as -scenario floor")
	return func() (err error) {
		if *floor {
			o.Scenario = scenario.Floor
		}
		scenarios := []string{scenario.Farm, scenario.Steady, scenario.Floor, scenario.Accounts, scenario.Hostile}
		if !slices.Contains(scenarios, o.Scenario) {
			return fmt.Errorf("-scenario: want farm, steady, floor, accounts or hostile, got %q", o.Scenario)
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
	flags.BoolVar(&o.Keep, "keep", o.Keep, "keep the child's configuration and log also when all went well")
}
