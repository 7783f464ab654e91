package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"farmproxy/api"
	"farmproxy/plain"
)

const reloadAbout = `The file is checked first, as farmproxy check does it. If anything is wrong, nothing changes, the exit code is 1, and the problems are printed here and in farmproxy's log. No miner is disconnected: those of a pool that changed get a clean job, and those of a listener that is gone stay until they leave.

Without -c, the file is the one that farmproxy was started with. With -c, it is that one from now on, until farmproxy is started again.

A few keys are read only at the start (docs/configuration.md). A file in which one of them has changed is refused as a whole.`

func reloadCommand(flags *flag.FlagSet) run {
	a := askFlags(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("reload", args, t); !ok {
			return code
		}
		var what struct {
			File string `json:"file,omitempty"`
		}
		if isSet(flags, "c") {
			path, err := filepath.Abs(*a.file)
			if err != nil {
				return failed(t, err)
			}
			what.File = path
		}
		return a.command(ctx, t, "reload", what, nil, printReload)
	}
}

// isSet reports whether the command line has a flag.
func isSet(flags *flag.FlagSet, name string) (set bool) {
	flags.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// printReload prints what came of a reload, or would.
func printReload(w io.Writer, answer json.RawMessage) error {
	var r api.Reload
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("the answer does not say what was done: %w", err)
	}
	for _, lines := range [][]string{r.Problems, r.Warnings, r.Changes} {
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}
	}
	if len(r.Problems) == 0 {
		fmt.Fprintf(w, "%s: %s\n", r.File, plain.Several(len(r.Changes), "change"))
	}
	return nil
}

const configAbout = `This is the configuration in use, as GET /api/v1/config has it: with all defaults filled in, and without passwords.`

// printConfig prints a configuration for people.
func printConfig(w io.Writer, answer json.RawMessage) error {
	var c api.Configuration
	if err := json.Unmarshal(answer, &c); err != nil {
		return fmt.Errorf("the answer is no configuration: %w", err)
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return printJSON(w, text)
}
