package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/figure"
	"farmproxy/bench/fleet"
	"farmproxy/bench/judge"
	"farmproxy/bench/pool"
	"farmproxy/bench/record"
	"farmproxy/bench/stand"
)

// errBreach ends a run whose breaches have already been printed.
var errBreach = errors.New("the run found breaches, see above")

// Run plays the scenario and prints the report.
func Run(ctx context.Context, o Options, t cli.Terminal) error {
	report := &Report{Scenario: o.Scenario, Started: time.Now(), Seed: o.Seed, Rate: o.Rate, Jobs: o.Jobs, Breaches: []string{}}
	var err error
	switch o.Scenario {
	case Floor:
		err = versus(ctx, o, t, report)
	default:
		var outcome Outcome
		switch o.Scenario {
		case Accounts:
			outcome, err = playAccounts(ctx, o, t)
		case Hostile:
			outcome, err = playHostile(ctx, o, t)
		default:
			outcome, err = play(ctx, o, t, scenarioPlay(o.Scenario), record.SideProxy)
		}
		report.Proxy = &outcome
		report.Breaches = append(report.Breaches, outcome.breaches()...)
	}
	switch {
	case ctx.Err() != nil: // whatever was under way, and however it reported that
		report.Breaches = append(report.Breaches, "interrupted before the end")
	case err != nil:
		report.Breaches = append(report.Breaches, err.Error())
	}
	report.print(t)
	if o.JSON != "" {
		if err := report.write(o.JSON); err != nil {
			return err
		}
	}
	if len(report.Breaches) > 0 {
		return errBreach
	}
	return nil
}

func scenarioPlay(name string) func(*trial, context.Context) error {
	switch name {
	case Farm:
		return (*trial).farm
	case Upgrade:
		return (*trial).upgrade
	case Reload:
		return (*trial).reload
	case Split:
		return (*trial).split
	case Page:
		return (*trial).page
	}
	return (*trial).steady
}

// PoolUser is the farm's user at the pools, and the account part of all worker names.
const PoolUser = "farm"

// play runs one scenario against one side, from start to end: by the time it returns,
// the child has stopped and everything is closed, whatever happened. The error says why
// it could not be played; its findings are in the outcome.
func play(ctx context.Context, o Options, t cli.Terminal, scenario func(*trial, context.Context) error, on record.Side) (out Outcome, err error) {
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
	defer func() { // after the fleet is closed; even if a phase panics
		if ending := s.Stop(); ending != nil {
			breach("%v", ending)
		}
		if err == nil && len(out.breaches()) == 0 && !o.Keep {
			s.Clean()
			return
		}
		out.Log = s.LogFile()
	}()
	fleet, err := newRunFleet(o, s.Addr)
	if err != nil {
		return out, err
	}
	defer fleet.Close()

	var status string
	line := cli.NewProgress(t)
	defer line.End()
	start, name := time.Now(), s.Child.Name
	stop := line.Every(func() string {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprintf("%5.1fs %s: %s; %s", time.Since(start).Seconds(), name, status, fleet.Status())
	})
	defer stop()
	trial := &trial{o: o, stand: s, fleet: fleet, breach: breach, say: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		status = fmt.Sprintf(format, args...)
	}}
	err = scenario(trial, ctx)
	out.Figures, out.samples, out.memory = trial.fig, trial.samples, trial.memory
	out.Notes, out.cuts, out.suffered, out.Splits = trial.notes, trial.cuts, trial.suffered, trial.splits
	out.Fleet = fleet.Books().Total()
	if err == nil {
		out.judge(o, fleet, pools, on)
	}
	return out, err
}

func startPools(o Options, on record.Side) (pools []*pool.Pool, err error) {
	if on == record.SideFloor {
		return nil, nil
	}
	a := pool.DefaultOptions()
	a.Name, a.Seed, a.AnswerDelay, a.Difficulty = "pool-a", o.Seed, o.AnswerDelay, o.difficulty
	b := a
	b.Name, b.Seed = "pool-b", o.Seed+1
	b.Extranonce1Size, b.Extranonce2Size, b.Mask = 6, 6, 0x00ffe000
	if o.Scenario == Split {
		b.Mask = a.Mask // miners roll what both allow, and the judge knows one mask of each
	}
	if o.Agent || o.Behind > 0 || o.Scenario == Split {
		b.Extranonce1Size, b.Extranonce2Size = a.Extranonce1Size, a.Extranonce2Size // no agent works with less
	}
	if o.Agent {
		a.Resume, b.Resume = false, false // an agent has no session id either
	}
	for _, po := range []pool.Options{a, b} {
		p, err := pool.Start(po)
		if err != nil {
			return pools, err
		}
		pools = append(pools, p)
		if o.Scenario != Farm && o.Scenario != Reload && o.Scenario != Split {
			break // a probed second pool would only add noise
		}
	}
	return pools, nil
}

func standFor(ctx context.Context, o Options, pools []*pool.Pool, on record.Side) (*stand.Stand, error) {
	switch on {
	case record.SideFloor:
		return stand.Floor(ctx, o.Exe, o.difficulty)
	case record.SideHAProxy:
		return stand.HAProxy(ctx, o.HAProxy, pools[0], o.Miners, o.secure)
	}
	p := stand.ProxyOptions{Exe: o.Exe, Pools: pools, User: PoolUser, Pass: o.Pass, Agent: o.Agent, Direct: o.Direct, Profiles: o.Profiles, Shown: o.secure}
	p.Installed, p.SmallDisk = o.Scenario == Upgrade, o.Scenario == Upgrade
	if o.Scenario == Split {
		p.Weights = []float64{splitFirst, 1 - splitFirst}
	}
	if o.measuring || p.Installed || o.Scenario == Reload || o.Scenario == Split || o.Scenario == Page {
		web, err := stand.FreeAddr()
		if err != nil {
			return nil, err
		}
		p.HTTP, p.Lean = web, o.measuring
	}
	return stand.Proxy(ctx, p)
}

func newRunFleet(o Options, target string) (*fleet.Fleet, error) {
	f := fleet.DefaultOptions(target)
	f.Miners, f.Account, f.Seed = o.Miners, PoolUser, o.Seed
	f.Connecting, f.ConnectRate = o.Connecting, o.ConnectRate
	f.Rate = 0 // the phases set it
	f.Behind = o.Behind
	if o.Direct {
		f.Sources = manySources(o.Miners)
		f.Rate = o.Rate // half of the places are for miners that have not worked yet
	}
	if o.Scenario == Split {
		f.Size = minerSize(o.Seed)
	}
	if o.secure != nil {
		f.TLS = o.secure.Client
	}
	if err := fleet.SetRoll(&f, o.rolls()); err != nil {
		return nil, err
	}
	return fleet.New(f)
}

// eachSource is how many miners of a fleet with links of their own have one address: fewer
// than may be new there, since a farm comes back by its workers' records, and this one has
// none.
const eachSource = 50

// manySources returns addresses for so many miners with links of their own.
func manySources(miners int) (list []string) {
	for i := range (miners + eachSource - 1) / eachSource {
		list = append(list, fmt.Sprintf("127.0.%d.%d", 128+i/250, 1+i%250))
	}
	return list
}

// judge compares the books and looks for what the fleet suffered.
func (out *Outcome) judge(o Options, f *fleet.Fleet, pools []*pool.Pool, on record.Side) {
	total := out.Fleet
	for _, bad := range []struct {
		n    int
		what string
	}{
		{total.Disconnects - out.suffered.Disconnects, "disconnects of miners"},
		{total.Reconnects, "miners told to reconnect"},
		{total.Garbage, "lines that no miner understands"},
		{total.Failures - out.suffered.Failures, "failed dials and handshakes"},
	} {
		if bad.n > 0 {
			out.Broken = append(out.Broken, fmt.Sprintf("%d %s; the last: %s", bad.n, bad.what, f.Books().LastTrouble()))
		}
	}
	if len(pools) == 0 {
		return // the floor has no books
	}
	if o.Agent {
		out.judgeAgents(pools)
	}
	if o.Long {
		out.judgeSums(pools)
		return
	}
	shares, missing := f.Books().Shares()
	if missing > 0 {
		out.Broken = append(out.Broken, fmt.Sprintf("%d shares are too many to compare one by one; use a lower -rate or -duration", missing))
	}
	books := judge.Comparison{Shares: shares, Pools: judge.Witnesses(pools...), Flight: o.Flight, Name: func(miner int) string {
		if o.Pass || o.Agent || on == record.SideHAProxy {
			return f.Name(miner)
		}
		return PoolUser
	}, CutOff: func(s fleet.Share) string { return cutOff(out.cuts, s, o.Flight) }}.Reconcile()
	out.Books = &books
}

// judgeSums is for when the pools had every share, but too many of them: the pools must
// have accepted as many as the miners were told.
func (out *Outcome) judgeSums(pools []*pool.Pool) {
	accepted := 0
	for _, p := range pools {
		accepted += p.Books().Total().Accepted
	}
	if told := out.Fleet.Accepted; told != accepted {
		out.Broken = append(out.Broken, fmt.Sprintf("%d shares accepted to the miners, %d on the pools' books", told, accepted))
	}
}

// breaches returns everything that must not have happened, in words.
func (out *Outcome) breaches() []string {
	all := append([]string(nil), out.Broken...)
	if out.Books == nil {
		return all
	}
	for _, kind := range figure.SortedKeys(out.Books.Breaches) {
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
