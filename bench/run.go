package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// runOptions are the flags of bench run.
type runOptions struct {
	scenario    string
	miners      int
	rate        float64
	jobs        int
	jobEvery    time.Duration
	cleanEvery  int
	duration    time.Duration
	rounds      int
	seed        uint64
	json        string
	pass        bool
	agent       bool
	behind      int
	roll        string
	flight      time.Duration
	answerDelay time.Duration
	patience    time.Duration
	calm        time.Duration
	connecting  int
	connectRate float64
	exe         string
	keep        bool
	difficulty  float64 // of the pools
	profiles    string  // a directory for the proxy's profiles; "": none
	only        string  // attacks of hostile, separated by commas; "": all
	quick       bool    // hostile: a short attack

	// Of budget, sweep and long.
	measuring bool // the proxy serves lean metrics, for its allocations
	more      int  // further miners, for what one costs
	fast      float64
	idle      time.Duration
	idleEvery time.Duration
	haproxy   string // the program; "": it is not measured
	entered   int    // miners that figures are entered for; 0: as many as there are
	rates     []float64
	shares    int  // that end a long load
	long      bool // too many shares to compare one by one: only their sums are
}

const (
	scenarioFarm   = "farm"
	scenarioSteady = "steady"
	scenarioFloor  = "floor"

	scenarioAccounts = "accounts"
	scenarioHostile  = "hostile"
)

func defaultRunOptions() runOptions {
	return runOptions{
		scenario: scenarioFarm, miners: 10_000, rate: 1000, jobs: 6, jobEvery: 5 * time.Second, cleanEvery: 3,
		duration: 10 * time.Second, rounds: 3, seed: 1, flight: 2 * time.Second,
		patience: 40 * time.Second, calm: 2 * time.Second, connecting: 64, difficulty: EasyDifficulty,
	}
}

func runCommand(ctx context.Context, args []string, t terminal) error {
	o := defaultRunOptions()
	flags := newFlags(t, "run", `
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
	apply := o.flags(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	if err := apply(); err != nil {
		return misuse{err}
	}
	return run(ctx, o, t)
}

func (o *runOptions) flags(flags *flag.FlagSet) (apply func() error) {
	flags.StringVar(&o.scenario, "scenario", o.scenario, "farm, steady, floor, accounts or hostile")
	flags.IntVar(&o.miners, "miners", o.miners, "how many; accounts: 3000, hostile: 1000, unless this is given")
	flags.Float64Var(&o.rate, "rate", o.rate, "shares per second of all miners; accounts, hostile: 300, unless this is given")
	flags.IntVar(&o.jobs, "jobs", o.jobs, "jobs that are measured")
	flags.DurationVar(&o.jobEvery, "job-every", o.jobEvery, "between those")
	flags.IntVar(&o.cleanEvery, "clean-every", o.cleanEvery, "every `n`-th of them is clean; 0: none")
	flags.DurationVar(&o.duration, "duration", o.duration, "of the share load that is measured; accounts: 20s, hostile: 30s of attack a stage, unless this is given")
	flags.IntVar(&o.rounds, "rounds", o.rounds, "of scenario floor; figures are medians over them")
	flags.Uint64Var(&o.seed, "seed", o.seed, "of everything random")
	flags.StringVar(&o.json, "json", o.json, "write all figures to this `file`")
	flags.BoolVar(&o.pass, "workers", o.pass, "the proxy passes each worker name to the pool (workers = \"pass\")")
	flags.BoolVar(&o.agent, "agent", o.agent, "the proxy is an agent at the pools (agent+tcp://), which see each worker")
	flags.IntVar(&o.behind, "behind-agents", o.behind, "`connections` of agents that carry the miners to the proxy; 0: each miner has its own")
	flags.StringVar(&o.roll, "roll", o.roll, "what miners change beside nonces: `version`, time, both separated by a comma, or none; default: both, with -agent version")
	flags.DurationVar(&o.flight, "flight", o.flight, "that long a share may take to the pool; a clean job within excuses a refusal")
	flags.DurationVar(&o.answerDelay, "answer-delay", o.answerDelay, "of the pools, before each verdict; hostile: 20ms, unless this is given")
	flags.DurationVar(&o.patience, "patience", o.patience, "with a job, a new link or another pool: not in time is a breach")
	flags.DurationVar(&o.calm, "calm", o.calm, "of load after each trouble, before the next one")
	flags.IntVar(&o.connecting, "connecting", o.connecting, "dials at the same time")
	flags.Float64Var(&o.connectRate, "connect-rate", o.connectRate, "dials per second; 0: as fast as -connecting allows")
	flags.StringVar(&o.profiles, "profile", o.profiles, "write the proxy's CPU and heap profiles, from the load on, to this `directory`; of several rounds the last")
	flags.StringVar(&o.only, "only", o.only, "hostile: these `attacks`, separated by commas: "+strings.Join(attackNames(), ", "))
	flags.BoolVar(&o.quick, "quick", o.quick, "hostile: 6s of attack a stage")
	childFlags(flags, o)
	floor := flags.Bool("floor", false, "the same as -scenario floor")
	return func() (err error) {
		if *floor {
			o.scenario = scenarioFloor
		}
		scenarios := []string{scenarioFarm, scenarioSteady, scenarioFloor, scenarioAccounts, scenarioHostile}
		if !slices.Contains(scenarios, o.scenario) {
			return fmt.Errorf("-scenario: want farm, steady, floor, accounts or hostile, got %q", o.scenario)
		}
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		o.sizes(given)
		if err := o.findExe(); err != nil {
			return err
		}
		return o.check()
	}
}

// sizes are those of the scenario, where flags don't give others.
func (o *runOptions) sizes(given map[string]bool) {
	set := func(name string, do func()) {
		if !given[name] {
			do()
		}
	}
	switch o.scenario {
	case scenarioAccounts:
		set("miners", func() { o.miners = accountsMiners })
		set("rate", func() { o.rate = accountsRate })
		set("duration", func() { o.duration = accountsLoad })
	case scenarioHostile:
		set("miners", func() { o.miners = hostileMiners })
		set("rate", func() { o.rate = hostileRate })
		set("duration", func() { o.duration = hostileLoad })
		set("answer-delay", func() { o.answerDelay = hostileAnswer })
		if o.quick {
			set("duration", func() { o.duration = hostileQuick })
		}
	}
}

// childFlags are those of every command that starts the proxy.
func childFlags(flags *flag.FlagSet, o *runOptions) {
	flags.StringVar(&o.exe, "exe", o.exe, "the farmproxy `program` under measurement; default: this one")
	flags.BoolVar(&o.keep, "keep", o.keep, "keep the child's configuration and log also when all went well")
}

func (o *runOptions) findExe() (err error) {
	if o.exe != "" {
		return nil
	}
	if o.exe, err = os.Executable(); err != nil {
		return fmt.Errorf("-exe: %w; name the program", err)
	}
	return nil
}

// rolls is -roll, or its default: an agent's shares say the time only when they
// must.
func (o *runOptions) rolls() string {
	switch {
	case o.roll != "":
		return o.roll
	case o.agent:
		return rollVersion
	}
	return rollVersion + "," + rollTime
}

func (o *runOptions) check() error {
	switch {
	case o.scenario == scenarioAccounts && o.miners < 3:
		return fmt.Errorf("-miners: want 3 or more for three accounts, got %d", o.miners)
	case o.scenario == scenarioAccounts && (o.agent || o.behind > 0):
		return errors.New("-agent, -behind-agents: not with scenario accounts, which has pools of other algorithms")
	case o.scenario == scenarioHostile && (o.agent || o.behind > 0):
		return errors.New("-agent, -behind-agents: not with scenario hostile, which has agents of its own")
	case o.scenario != scenarioHostile && (o.only != "" || o.quick):
		return errors.New("-only, -quick: with scenario hostile only")
	case o.scenario == scenarioFloor && o.behind > 0:
		return errors.New("-behind-agents: not with scenario floor, which knows miners only")
	case o.behind < 0 || o.behind > o.miners:
		return fmt.Errorf("-behind-agents: want 0 to %d, one for each miner, got %d", o.miners, o.behind)
	case o.miners < 1 || o.miners > MaxMiners:
		return fmt.Errorf("-miners: want 1 to %d, got %d", MaxMiners, o.miners)
	case !(o.rate > 0):
		return fmt.Errorf("-rate: want more than 0 shares per second, got %v", o.rate)
	case o.jobs < 0 || o.jobEvery < 0 || o.cleanEvery < 0 || o.flight < 0 || o.answerDelay < 0 || o.calm < 0:
		return errors.New("-jobs, -job-every, -clean-every, -flight, -answer-delay, -calm: want 0 or more")
	case setRoll(&FleetOptions{}, o.rolls()) != nil:
		return fmt.Errorf("-roll: %w", setRoll(&FleetOptions{}, o.rolls()))
	case o.duration < 100*time.Millisecond:
		return fmt.Errorf("-duration: want 100ms or more, got %v", o.duration)
	case o.patience < 100*time.Millisecond:
		return fmt.Errorf("-patience: want 100ms or more, got %v", o.patience)
	case wrongAttack(o.only) != nil:
		return fmt.Errorf("-only: %w", wrongAttack(o.only))
	case o.rounds < 1 || o.rounds > 100:
		return fmt.Errorf("-rounds: want 1 to 100, got %d", o.rounds)
	}
	return nil
}

// errBreach ends a run whose breaches were printed already.
var errBreach = errors.New("the run found breaches, see above")

// run plays the scenario and prints the report.
func run(ctx context.Context, o runOptions, t terminal) error {
	report := &Report{Scenario: o.scenario, Started: time.Now(), Seed: o.seed, Rate: o.rate, Jobs: o.jobs, Breaches: []string{}}
	var err error
	switch o.scenario {
	case scenarioFloor:
		err = versus(ctx, o, t, report)
	default:
		var outcome Outcome
		switch o.scenario {
		case scenarioAccounts:
			outcome, err = playAccounts(ctx, o, t)
		case scenarioHostile:
			outcome, err = playHostile(ctx, o, t)
		default:
			outcome, err = play(ctx, o, t, scenarioPlay(o.scenario), sideProxy)
		}
		report.Proxy = &outcome
		report.Breaches = append(report.Breaches, outcome.breaches()...)
	}
	switch {
	case ctx.Err() != nil: // whatever was under way, and how ever it put that
		report.Breaches = append(report.Breaches, "interrupted before the end")
	case err != nil:
		report.Breaches = append(report.Breaches, err.Error())
	}
	report.print(t)
	if o.json != "" {
		if err := report.write(o.json); err != nil {
			return err
		}
	}
	if len(report.Breaches) > 0 {
		return errBreach
	}
	return nil
}

func scenarioPlay(name string) func(*trial, context.Context) error {
	if name == scenarioFarm {
		return (*trial).farm
	}
	return (*trial).steady
}

// poolUser is what the pools know the farm as, and the account part of all
// worker names.
const poolUser = "farm"

// play runs one scenario against one side, from start to end: the
// child is stopped and all is closed when it returns, whatever happened. The
// error is for what kept it from being played; what it found is in the outcome.
func play(ctx context.Context, o runOptions, t terminal, scenario func(*trial, context.Context) error, on side) (out Outcome, err error) {
	var mu sync.Mutex
	breach := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		out.Broken = append(out.Broken, fmt.Sprintf(format, args...))
	}
	pools, err := startPools(o, on)
	defer func() {
		for _, p := range pools {
			p.Close()
		}
	}()
	if err != nil {
		return out, err
	}
	s, err := standFor(ctx, o, pools, on)
	if err != nil {
		return out, err
	}
	defer func() { // after the fleet is closed; also when a phase panics
		if ending := s.stop(); ending != nil {
			breach("%v", ending)
		}
		if err == nil && len(out.breaches()) == 0 && !o.keep {
			s.clean()
			return
		}
		out.Log = s.log()
	}()
	fleet, err := newRunFleet(o, s.addr)
	if err != nil {
		return out, err
	}
	defer fleet.Close()

	var status string
	line := newProgress(t)
	defer line.end()
	start := time.Now()
	stop := line.every(func() string {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprintf("%5.1fs %s: %s; %s", time.Since(start).Seconds(), s.child.name, status, fleet.status())
	})
	defer stop()
	trial := &trial{o: o, stand: s, fleet: fleet, breach: breach, say: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		status = fmt.Sprintf(format, args...)
	}}
	err = scenario(trial, ctx)
	out.Figures, out.samples, out.memory = trial.fig, trial.samples, trial.memory
	out.Fleet = fleet.Books().Total()
	if err == nil {
		out.judge(o, fleet, pools, on)
	}
	return out, err
}

func startPools(o runOptions, on side) (pools []*Pool, err error) {
	if on == sideFloor {
		return nil, nil
	}
	a := DefaultPoolOptions()
	a.Name, a.Seed, a.AnswerDelay, a.Difficulty = "pool-a", o.seed, o.answerDelay, o.difficulty
	b := a
	b.Name, b.Seed = "pool-b", o.seed+1
	b.Extranonce1Size, b.Extranonce2Size, b.Mask = 6, 6, 0x00ffe000
	if o.agent || o.behind > 0 {
		b.Extranonce1Size, b.Extranonce2Size = a.Extranonce1Size, a.Extranonce2Size // no agent works with less
	}
	if o.agent {
		a.Resume, b.Resume = false, false // nor has it a session id
	}
	for _, po := range []PoolOptions{a, b} {
		p, err := StartPool(po)
		if err != nil {
			return pools, err
		}
		pools = append(pools, p)
		if o.scenario != scenarioFarm {
			break // a probed second pool would only add noise
		}
	}
	return pools, nil
}

func standFor(ctx context.Context, o runOptions, pools []*Pool, on side) (*stand, error) {
	switch on {
	case sideFloor:
		return standFloor(ctx, o.exe, o.difficulty)
	case sideHAProxy:
		return standHAProxy(ctx, o.haproxy, pools[0], o.miners)
	}
	p := proxyOptions{exe: o.exe, pools: pools, user: poolUser, pass: o.pass, agent: o.agent, profiles: o.profiles}
	if o.measuring {
		web, err := freeAddr()
		if err != nil {
			return nil, err
		}
		p.http, p.lean = web, true
	}
	return standProxy(ctx, p)
}

func newRunFleet(o runOptions, target string) (*Fleet, error) {
	f := DefaultFleetOptions(target)
	f.Miners, f.Account, f.Seed = o.miners, poolUser, o.seed
	f.Connecting, f.ConnectRate = o.connecting, o.connectRate
	f.Rate = 0 // the phases set it
	f.Behind = o.behind
	if err := setRoll(&f, o.rolls()); err != nil {
		return nil, err
	}
	return NewFleet(f)
}

// judge lays the books beside each other and looks for what the fleet suffered.
func (out *Outcome) judge(o runOptions, fleet *Fleet, pools []*Pool, on side) {
	total := out.Fleet
	for _, bad := range []struct {
		n    int
		what string
	}{
		{total.Disconnects, "disconnects of miners"},
		{total.Reconnects, "miners told to reconnect"},
		{total.Garbage, "lines that no miner understands"},
		{total.Failures, "failed dials and handshakes"},
	} {
		if bad.n > 0 {
			out.Broken = append(out.Broken, fmt.Sprintf("%d %s; the last: %s", bad.n, bad.what, fleet.Books().lastTrouble()))
		}
	}
	if len(pools) == 0 {
		return // the floor has no books
	}
	if o.agent {
		out.judgeAgents(pools)
	}
	if o.long {
		out.judgeSums(pools)
		return
	}
	shares, missing := fleet.Books().Shares()
	if missing > 0 {
		out.Broken = append(out.Broken, fmt.Sprintf("%d shares are too many to compare one by one; use a lower -rate or -duration", missing))
	}
	books := comparison{shares: shares, pools: pools, flight: o.flight, name: func(miner int) string {
		if o.pass || o.agent || on == sideHAProxy {
			return fleet.Name(miner)
		}
		return poolUser
	}}.reconcile()
	out.Books = &books
}

// judgeSums is for when the pools had every share, and too many of them: as many
// have to be accepted there as the miners were told.
func (out *Outcome) judgeSums(pools []*Pool) {
	accepted := 0
	for _, p := range pools {
		accepted += p.Books().Total().Accepted
	}
	if told := out.Fleet.Accepted; told != accepted {
		out.Broken = append(out.Broken, fmt.Sprintf("%d shares accepted to the miners, %d on the pools' books", told, accepted))
	}
}

// breaches is everything that must not have happened, in words.
func (out *Outcome) breaches() []string {
	all := append([]string(nil), out.Broken...)
	if out.Books == nil {
		return all
	}
	for _, kind := range sortedKeys(out.Books.Breaches) {
		text := fmt.Sprintf("%d x %s", out.Books.Breaches[kind], kind)
		for _, e := range out.Books.Examples {
			if rest, ok := strings.CutPrefix(e, kind+": "); ok {
				text += "\n      " + rest
			}
		}
		all = append(all, text)
	}
	return all
}
