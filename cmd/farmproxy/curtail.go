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

const curtailAbout = `Miners that are off on purpose, because power is dear, are no news: until the end, and for 15 minutes after it, no alert speaks of the workers and the hash rate of the group, or of all miners without one. No miner is switched off by it. With neither -for nor -until, the curtailments are listed that are ordered; those of each week are in the configuration, [[alerts.curtailment]].

  farmproxy curtail -for 3h
  farmproxy curtail hall-1 -from 17:00 -until 20:00 -reason "the grid"
  farmproxy curtail hall-1 -end`

func curtailCommand(flags *flag.FlagSet) run {
	a, terms := orderFlags(flags), addTermFlags(flags)
	from := flags.String("from", "", "it begins at this `TIME`, which is written as that of -until; without it, now")
	reason := flags.String("reason", "", "a `TEXT` for those who wonder")
	end := flags.Bool("end", false, "the miners are not off on purpose any more")
	return func(ctx context.Context, args []string, t terminal) int {
		if len(args) > 1 {
			return misused(t, "curtail", "name one group, or none for all miners; farmproxy workers -wide lists groups")
		}
		var order proxy.CurtailArgs
		if len(args) == 1 {
			order.Group = args[0]
		}
		order.Reason = *reason
		now := time.Now()
		begin := now
		if *from != "" {
			var err error
			if begin, err = readUntil(*from, now); err != nil {
				return misused(t, "curtail", "-from %q: expected 17:00, \"2026-01-31 17:00\" or 2026-01-31T17:00:00+01:00", *from)
			}
			order.From = begin.Format(time.RFC3339)
		}
		var err error
		if order.Term, err = terms.read(begin); err != nil {
			return misused(t, "curtail", "%w", err)
		}
		switch timed := order.Term != (api.Term{}); {
		case *end && (timed || *from != "" || *reason != ""):
			return misused(t, "curtail", "-end takes a group and nothing else")
		case *end:
			return a.order(ctx, t, "curtail end", order, func(w io.Writer, _ json.RawMessage) error {
				return printLines(w, []string{whose(order.Group) + ": not off on purpose any more"})
			})
		case !timed && (len(args) == 1 || *from != "" || *reason != ""):
			return misused(t, "curtail", "say for how long with -for, or until when with -until: a curtailment needs an end")
		case !timed && *a.dry:
			return misused(t, "curtail", "-dry-run needs -for, -until or -end: without one, nothing is ordered")
		case !timed:
			return a.command(ctx, t, "curtail list", nil, nil, printCurtailments)
		}
		if _, _, err := order.Times(now); err != nil {
			return misused(t, "curtail", "%w", err)
		}
		return a.order(ctx, t, "curtail", order, func(w io.Writer, answer json.RawMessage) error {
			var c api.Curtailment
			if err := json.Unmarshal(answer, &c); err != nil {
				return fmt.Errorf("the answer is no curtailment: %w", err)
			}
			return printLines(w, []string{curtailmentText(&c)})
		})
	}
}

// printCurtailments prints what is ordered.
func printCurtailments(w io.Writer, answer json.RawMessage) error {
	var a api.Curtailments
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is no list of curtailments: %w", err)
	}
	if len(a.Curtailments) == 0 {
		return printLines(w, []string{"No curtailment is ordered."})
	}
	return printLines(w, curtailed(a.Curtailments))
}
