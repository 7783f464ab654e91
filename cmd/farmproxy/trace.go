package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"farmproxy/proxy"
)

const traceAbout = `trace shows what a worker's miners and farmproxy say to each other from now on, or the last lines of the links to a pool and those to come, until Ctrl-C. A pool has the name that logs and metrics call it. Passwords are hidden; agents' frames are in hex; of a long line the beginning is shown.

At most 16 miners of a worker are shown. A line that comes faster than it is shown is left out, and said so.`

func traceCommand(flags *flag.FlagSet) run {
	a := askFlags(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if len(args) != 1 {
			return misused(t, "trace", "expected the name of a worker or of a pool")
		}
		code := a.command(ctx, t, "trace", proxy.TraceArgs{Name: args[0]}, printTrace, func(io.Writer, json.RawMessage) error { return nil })
		if ctx.Err() != nil {
			return exitOK // Ctrl-C is how it ends
		}
		return code
	}
}

// printTrace prints one event for people.
func printTrace(w io.Writer, line json.RawMessage) error {
	var e proxy.TraceEvent
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("the running farmproxy sent no trace: %w", err)
	}
	at := ""
	if e.Time != nil {
		at = e.Time.Format("15:04:05.000 ")
	}
	var err error
	if e.Remark != "" {
		_, err = fmt.Fprintf(w, "# %s%s%s\n", at, connection(e), e.Remark)
	} else {
		_, err = fmt.Fprintf(w, "%s%s%s: %s\n", at, connection(e), e.From, e.Line)
	}
	return err
}

func connection(e proxy.TraceEvent) string {
	if e.Connection == "" {
		return ""
	}
	return e.Connection + " "
}
