package scenario

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"farmproxy/bench/attack"
	"farmproxy/bench/cli"
	"farmproxy/bench/fleet"
	"farmproxy/bench/proof"
	"farmproxy/bench/stand"
)

// measuringDifficulty takes four hashes per share: the harness, on the same cores, must
// find 20,000 a second and more.
const measuringDifficulty = 1.0 / (1 << 30)

// proxyReserve is what a process needs beside its miners' sockets: the proxy keeps
// about 500 descriptors for links, HTTP and files.
const proxyReserve = 800

// MeasuringOptions are the initial options of budget, sweep and long.
func MeasuringOptions(scenario string) Options {
	o := DefaultOptions()
	o.Scenario, o.measuring, o.difficulty = scenario, true, measuringDifficulty
	o.Miners, o.More, o.Rate, o.Fast = 10_000, 9_000, 2_000, 20_000
	o.Jobs, o.JobEvery = 10, time.Second
	o.Idle, o.IdleEvery = time.Minute, 30*time.Second
	o.Rounds = 6 // benchstat gives no confidence for fewer
	return o
}

// Ready completes and checks the options of budget, sweep and long. most is the number
// of concurrent miners.
func (o *Options) Ready(most int) error {
	if err := o.FindExe(); err != nil {
		return err
	}
	if err := o.Check(); err != nil {
		return cli.Misused("%w", err)
	}
	var files syscall.Rlimit // the runtime has raised it to the maximum
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil && uint64(most+proxyReserve) > uint64(files.Cur) {
		return cli.Misused("%d miners at the same time need %d file descriptors here and in the proxy, and there may be %d: raise the limit (ulimit -n) or take fewer miners (-miners, -more)",
			most, most+proxyReserve, files.Cur)
	}
	return nil
}

// haproxyMiners returns how many miners fit behind HAProxy: each takes a second
// descriptor of this process, for the pool's end of its connection.
func haproxyMiners(asked int, limit uint64) int {
	return min(asked, int((limit-min(limit, fleet.DescriptorReserve))/2))
}

// behindHAProxy returns the options for measurements with HAProxy. Its figures are
// entered beside those of all miners: the cost of a share or a job does not depend on
// one miner in ten.
func (o Options) behindHAProxy() Options {
	o.entered = o.Miners
	var files syscall.Rlimit // the runtime has raised it to the maximum
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil {
		o.Miners = haproxyMiners(o.Miners, files.Cur)
	}
	return o
}

// Options are the flags of bench run.
type Options struct {
	Scenario    string
	Miners      int
	Rate        float64
	Jobs        int
	JobEvery    time.Duration
	CleanEvery  int
	Duration    time.Duration
	Rounds      int
	Seed        uint64
	JSON        string
	Pass        bool
	Agent       bool
	Direct      bool // upgrade: each miner has a link of its own
	Behind      int
	Roll        string
	Flight      time.Duration
	AnswerDelay time.Duration
	Patience    time.Duration
	Calm        time.Duration
	Connecting  int
	ConnectRate float64
	Exe         string
	Keep        bool
	difficulty  float64       // of the pools
	Profiles    string        // a directory for the proxy's profiles; "": none
	Only        string        // attacks of hostile, stages of upgrade, separated by commas; "": all
	Quick       bool          // hostile: a short attack; upgrade: without the stages that take long
	Silence     time.Duration // upgrade: how long a miner may wait for an answer
	OneAddress  bool          // hostile: attackers and honest miners are behind one address
	Within      float64       // split: how far the work of a window may be off, as a part of all work

	// For budget, sweep and long.
	measuring bool // the proxy serves lean metrics, for its allocations
	More      int  // additional miners, to find the cost of one
	Fast      float64
	Idle      time.Duration
	IdleEvery time.Duration
	OnlyTLS   bool
	secure    *stand.Certificate // miners connect over TLS; nil: without
	HAProxy   string             // the program; "": not measured
	entered   int                // miners that figures are entered for; 0: the actual number
	Rates     []float64
	Shares    int  // that end a long load
	Long      bool // too many shares to compare one by one: compare only their sums
}

const (
	Farm   = "farm"
	Steady = "steady"
	Floor  = "floor"

	Accounts = "accounts"
	Hostile  = "hostile"
	Upgrade  = "upgrade"
	Reload   = "reload"
	Split    = "split"
	Page     = "page"
)

// DefaultOptions are those of bench run.
func DefaultOptions() Options {
	return Options{
		Scenario: Farm, Miners: 10_000, Rate: 1000, Jobs: 6, JobEvery: 5 * time.Second, CleanEvery: 3,
		Duration: 10 * time.Second, Rounds: 3, Seed: 1, Flight: 2 * time.Second,
		Patience: 40 * time.Second, Calm: 2 * time.Second, Silence: time.Second, Connecting: 64, difficulty: proof.EasyDifficulty, Within: splitWithin,
	}
}

// Sizes sets the scenario's sizes, unless flags give others.
func (o *Options) Sizes(given map[string]bool) {
	set := func(name string, do func()) {
		if !given[name] {
			do()
		}
	}
	switch o.Scenario {
	case Accounts:
		set("miners", func() { o.Miners = accountsMiners })
		set("rate", func() { o.Rate = accountsRate })
		set("duration", func() { o.Duration = accountsLoad })
	case Split:
		set("miners", func() { o.Miners = splitMiners })
		set("duration", func() { o.Duration = splitLoad })
		set("patience", func() { o.Patience = splitPatience })
	case Page:
		set("rate", func() { o.Rate = pageRate })
		set("calm", func() { o.Calm = pageCalm })
	case Hostile:
		set("miners", func() { o.Miners = hostileMiners })
		set("rate", func() { o.Rate = hostileRate })
		set("duration", func() { o.Duration = hostileLoad })
		set("answer-delay", func() { o.AnswerDelay = hostileAnswer })
		if o.Quick {
			set("duration", func() { o.Duration = hostileQuick })
		}
	}
}

// FindExe uses this program as the proxy unless another one is named.
func (o *Options) FindExe() (err error) {
	if o.Exe != "" {
		return nil
	}
	if o.Exe, err = os.Executable(); err != nil {
		return fmt.Errorf("-exe: %w; name the program", err)
	}
	return nil
}

// rolls returns -roll, or its default: an agent's shares state the time only when they
// must.
func (o *Options) rolls() string {
	switch {
	case o.Roll != "":
		return o.Roll
	case o.Agent:
		return fleet.RollVersion
	}
	return fleet.RollVersion + "," + fleet.RollTime
}

// Check returns an error that names the wrong flag.
func (o *Options) Check() error {
	switch {
	case o.Scenario == Accounts && o.Miners < 3:
		return fmt.Errorf("-miners: want 3 or more for three accounts, got %d", o.Miners)
	case o.Scenario == Accounts && (o.Agent || o.Behind > 0):
		return errors.New("-agent, -behind-agents: not with scenario accounts, which has pools of other algorithms")
	case o.Scenario == Hostile && (o.Agent || o.Behind > 0):
		return errors.New("-agent, -behind-agents: not with scenario hostile, which has agents of its own")
	case o.Scenario == Split && (o.Agent || o.Behind > 0):
		return errors.New("-agent, -behind-agents: not with scenario split: an agent's miners can't be moved")
	case o.Scenario != Hostile && o.Scenario != Upgrade && (o.Only != "" || o.Quick):
		return errors.New("-only, -quick: with scenarios hostile and upgrade only")
	case o.Scenario == Upgrade && wrongStage(o.Only) != nil:
		return fmt.Errorf("-only: %w", wrongStage(o.Only))
	case !(o.Within > 0 && o.Within < 1):
		return fmt.Errorf("-within: want more than 0 and less than 1, got %v", o.Within)
	case o.Silence <= 0:
		return fmt.Errorf("-silence: want more than 0s, got %v", o.Silence)
	case o.Scenario != Hostile && o.OneAddress:
		return errors.New("-one-address: with scenario hostile only")
	case o.Direct && (o.Scenario != Upgrade || o.Agent || o.Behind > 0):
		return errors.New("-direct: with scenario upgrade only, and without agents")
	case o.Scenario == Floor && o.Behind > 0:
		return errors.New("-behind-agents: not with scenario floor, which knows miners only")
	case o.Behind < 0 || o.Behind > o.Miners:
		return fmt.Errorf("-behind-agents: want 0 to %d, one for each miner, got %d", o.Miners, o.Behind)
	case o.Miners < 1 || o.Miners > fleet.MaxMiners:
		return fmt.Errorf("-miners: want 1 to %d, got %d", fleet.MaxMiners, o.Miners)
	case !(o.Rate > 0):
		return fmt.Errorf("-rate: want more than 0 shares per second, got %v", o.Rate)
	case o.Jobs < 0 || o.JobEvery < 0 || o.CleanEvery < 0 || o.Flight < 0 || o.AnswerDelay < 0 || o.Calm < 0:
		return errors.New("-jobs, -job-every, -clean-every, -flight, -answer-delay, -calm: want 0 or more")
	case fleet.SetRoll(&fleet.Options{}, o.rolls()) != nil:
		return fmt.Errorf("-roll: %w", fleet.SetRoll(&fleet.Options{}, o.rolls()))
	case o.Duration < 100*time.Millisecond:
		return fmt.Errorf("-duration: want 100ms or more, got %v", o.Duration)
	case o.Patience < 100*time.Millisecond:
		return fmt.Errorf("-patience: want 100ms or more, got %v", o.Patience)
	case o.Scenario == Hostile && attack.Wrong(o.Only) != nil:
		return fmt.Errorf("-only: %w", attack.Wrong(o.Only))
	case o.Rounds < 1 || o.Rounds > 100:
		return fmt.Errorf("-rounds: want 1 to 100, got %d", o.Rounds)
	}
	return nil
}
