package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"farmproxy/api"
	"farmproxy/proxy"
)

const drainAbout = `No miner gets new work from the pool: its miners get a clean job of the next pool of their goal, or of another goal, as in a planned failover. Its links end when their last shares have verdicts. farmproxy goes on looking whether the pool works. The order holds for a time, or until farmproxy enable, and outlives a restart.

Where there is no other pool, its miners stay, and it goes on to give them jobs. -dry-run says before who would go where.`

const disableAbout = `As farmproxy drain; besides, farmproxy does not connect to the pool at all, not even to see whether it works. Where there is no other pool, miners go on with their last job, as in an outage.`

const enableAbout = `The order to drain or to disable the pool is taken back: it is used again as its goal lists it, once it works.`

// leaving defines drain, disable and enable.
func leaving(how api.PoolAction) func(*flag.FlagSet) run {
	return func(flags *flag.FlagSet) run {
		a, terms := orderFlags(flags), termFlags{new(string), new(string)}
		if how != api.Enable {
			terms = addTermFlags(flags)
		}
		return func(ctx context.Context, args []string, t terminal) int {
			if len(args) != 1 {
				return misused(t, string(how), "name a pool; farmproxy pools lists them")
			}
			term, err := terms.term(time.Now())
			if err != nil {
				return misused(t, string(how), "%w", err)
			}
			return a.order(ctx, t, string(how), proxy.PoolArgs{Pool: args[0], Term: term}, printPoolOrder)
		}
	}
}

// printPoolOrder prints how a pool is left alone, for people.
func printPoolOrder(w io.Writer, answer json.RawMessage) error {
	var p api.PoolOrder
	if err := json.Unmarshal(answer, &p); err != nil {
		return fmt.Errorf("the answer is no pool's order: %w", err)
	}
	text := p.Pool + ": " + p.State
	if p.Order != nil {
		text += " " + p.Order.String()
	}
	_, err := fmt.Fprintln(w, printable(text))
	return err
}
