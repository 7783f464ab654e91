package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"
)

const lameDuckAbout = `farmproxy closes its ports, and disconnects its miners one after another: each as soon as it waits for no answer, all of them evenly over the time of -over. Until it is disconnected, a miner works. Then farmproxy ends, and systemd starts the installed program again; with -stay it goes on without miners until it is stopped, as before the maintenance of one of two machines.

A miner that is disconnected goes to its next pool, or to the other machine. Where there is neither, use farmproxy upgrade, or restart farmproxy: its miners are back within seconds.

It cannot be taken back. Ctrl-C ends the command, not what it began.`

func lameDuckCommand(flags *flag.FlagSet) run {
	a := askFlags(flags)
	over := flags.Duration("over", 2*time.Minute, "how long the miners take to leave, up to 24h")
	stay := flags.Bool("stay", false, "go on without miners until farmproxy is stopped")
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("lame-duck", args, t); !ok {
			return code
		}
		say := struct {
			Over string `json:"over"`
			Stay bool   `json:"stay,omitempty"`
		}{over.String(), *stay}
		return a.command(ctx, t, "lame-duck", say, printMinersLeft, printMinersLeft)
	}
}

// printMinersLeft prints how many miners are left, for people.
func printMinersLeft(w io.Writer, answer json.RawMessage) error {
	var left struct {
		Miners  int     `json:"miners"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(answer, &left); err != nil {
		return fmt.Errorf("the answer is no number of miners: %w", err)
	}
	_, err := fmt.Fprintf(w, "%4.0f s: %d miners are left\n", left.Seconds, left.Miners)
	return err
}
