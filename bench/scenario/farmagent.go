package scenario

import (
	"context"
	"fmt"
	"maps"
	"math"

	"farmproxy/bench/figure"
	"farmproxy/bench/pool"
	"farmproxy/bench/wait"
)

// AgentsAt is what a pool counted on its agents' links.
type AgentsAt struct {
	Pool  string            `json:"pool"`
	Total pool.AgentBooks   `json:"total"`
	Links []pool.AgentBooks `json:"links"`
}

// agentPhases are a scenario's additional phases when the proxy is an agent, or has
// agents in front of it.
func (t *trial) agentPhases(ctx context.Context) error {
	if len(t.stand.Pools) == 0 || !t.o.Agent && t.o.Behind == 0 {
		return nil
	}
	if t.o.Agent {
		if err := t.ownDifficulties(ctx); err != nil {
			return err
		}
	}
	return t.leave(ctx)
}

// roster waits until each miner's worker is registered exactly once, at that pool and
// no other.
func (t *trial) roster(ctx context.Context, when string, at *pool.Pool) error {
	return t.rosterOf(ctx, when, at, 0)
}

// rosterOf is roster without the miners before first.
func (t *trial) rosterOf(ctx context.Context, when string, at *pool.Pool, first int) error {
	if !t.o.Agent || at == nil {
		return nil
	}
	t.say("the roster %s", when)
	want := map[string]int{}
	for i := first; i < t.o.Miners; i++ {
		want[t.fleet.Name(i)] = 1
	}
	for _, p := range t.stand.Pools {
		expected := want
		if p != at {
			expected = nil
		}
		if !wait.Until(ctx, t.o.Patience, func() bool { return maps.Equal(p.AgentWorkers(), expected) }) {
			t.breach("%s: at pool %s %s", when, p.Options().Name, amiss(p.AgentWorkers(), expected))
		}
	}
	return ctx.Err()
}

// amiss describes how the registered workers differ from those that should be.
func amiss(got, want map[string]int) string {
	counted := map[string]int{}
	example := map[string]string{}
	note := func(kind, name string) {
		counted[kind]++
		example[kind] = name
	}
	for name := range want {
		if got[name] == 0 {
			note("not registered", name)
		}
	}
	for name, n := range got {
		switch {
		case want[name] == 0:
			note("registered and should not be", name)
		case n > 1:
			note("registered more than once", name)
		}
	}
	text := fmt.Sprintf("%d workers are registered, want %d", len(got), len(want))
	for _, kind := range figure.SortedKeys(counted) {
		text += fmt.Sprintf("; %d %s, such as %q", counted[kind], kind, example[kind])
	}
	return text
}

// The difficulties sent to workers, as exponents: more than a CPU can meet, because
// frames can't express any below 1.
const (
	ownLow  = 3
	ownHigh = 9
)

// ownDifficulties gives each worker a difficulty by its name, and checks that it
// reaches that miner and no other, before the job to which it applies. No miner can
// work then; a new link starts over.
func (t *trial) ownDifficulties(ctx context.Context) error {
	t.settle(ctx)
	t.say("each worker its own difficulty")
	served := t.stand.Pools[0]
	own := pool.SpreadExponents(ownLow, ownHigh)
	served.SetWorkerDifficulty(own)
	t.difficultiesAre(ctx, "its own difficulty", func(name string) float64 { return math.Ldexp(1, int(own(name))) })
	served.SetWorkerDifficulty(nil)
	if err := t.drop(ctx, "agent's"); err != nil {
		return err
	}
	t.difficultiesAre(ctx, "the new link's difficulty", func(string) float64 { return served.Options().Difficulty })
	return t.roster(ctx, "after the difficulties", served)
}

// difficultiesAre sends a job and checks what each miner was told for it.
func (t *trial) difficultiesAre(ctx context.Context, what string, of func(name string) float64) {
	key, _, err := t.stand.Emit(false)
	if err == nil {
		_, err = t.arrives(ctx, key, t.o.Miners)
	}
	if err != nil {
		t.breach("the job with %s: %v", what, err)
		return
	}
	if n := t.fleet.WorksAt(of); n < t.o.Miners {
		t.breach("only %d of %d miners work at %s", n, t.o.Miners, what)
	}
}

// leavingPart is the part of the miners that leaves and returns.
const leavingPart = 10

// leave disconnects some of the miners: their workers are unregistered, and registered
// again when they return.
func (t *trial) leave(ctx context.Context) error {
	t.settle(ctx)
	pool := t.stand.Pools[0]
	leaving := max(1, t.o.Miners/leavingPart)
	t.say("%d miners leave", leaving)
	t.fleet.Leave(leaving)
	if !wait.Until(ctx, t.o.Patience, func() bool { return t.fleet.Connected() == t.o.Miners-leaving }) {
		t.breach("%d miners left, but %d of %d have a connection", leaving, t.fleet.Connected(), t.o.Miners)
	}
	if err := t.rosterOf(ctx, "after some left", pool, leaving); err != nil {
		return err
	}
	t.fleet.Return(leaving)
	if !wait.Until(ctx, t.o.Patience, func() bool { return t.fleet.Ready() == t.o.Miners }) {
		t.breach("%d miners returned, but only %d of %d are at work; last trouble: %s", leaving, t.fleet.Ready(), t.o.Miners, t.fleet.Books().LastTrouble())
	}
	if err := t.roster(ctx, "after all returned", pool); err != nil {
		return err
	}
	t.fleet.SetRate(t.o.Rate)
	err := wait.For(ctx, t.o.Calm)
	t.settle(ctx)
	return err
}

// judgeAgents looks for things that an agent's link must not do.
func (out *Outcome) judgeAgents(pools []*pool.Pool) {
	for _, p := range pools {
		at := AgentsAt{p.Options().Name, p.AgentTotal(), p.Agents()}
		out.Agents = append(out.Agents, at)
		for _, bad := range []struct {
			n    int
			what string
		}{
			{at.Total.Twice, "workers registered that were registered already"},
			{at.Total.Strangers, "workers unregistered that were not registered"},
			{at.Total.Longer, "shares in longer frames than they need"},
		} {
			if bad.n > 0 {
				out.Broken = append(out.Broken, fmt.Sprintf("pool %s: %d %s", p.Options().Name, bad.n, bad.what))
			}
		}
		if len(at.Total.Dropped) > 0 {
			out.Broken = append(out.Broken, fmt.Sprintf("pool %s dropped frames: %s", p.Options().Name, figure.Counts(at.Total.Dropped)))
		}
		if len(at.Links) == 0 {
			out.Broken = append(out.Broken, fmt.Sprintf("pool %s never saw an agent", p.Options().Name))
		}
	}
}

// printAgents prints the table's rows for each pool's agents.
func (out *Outcome) printAgents(row func(name, value string)) {
	for _, at := range out.Agents {
		row(fmt.Sprintf("agents at %s, links", at.Pool), fmt.Sprint(len(at.Links)))
		row("  workers, registered now / ever / unregistered", fmt.Sprintf("%d / %d / %d", at.Total.Workers, at.Total.Registered, at.Total.Unregistered))
		row("  frames", figure.Counts(at.Total.Frames))
	}
}
