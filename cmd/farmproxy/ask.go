package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/proxy"
)

// asking is what all commands for a running farmproxy have: where it is, and how its
// answer is printed.
type asking struct {
	file   *string // the configuration, which names the socket
	socket *string // "": by the configuration
	json   *bool
}

// askFlags adds the flags of a command for a running farmproxy.
func askFlags(flags *flag.FlagSet) asking {
	return asking{
		file:   configFlag(flags),
		socket: socketFlag(flags),
		json:   jsonFlag(flags),
	}
}

func socketFlag(flags *flag.FlagSet) *string {
	return flags.String("socket", "", "the running farmproxy's `SOCKET`, instead of the one that the configuration names")
}

// asks defines a command that has the running farmproxy run one of the same name, which
// takes nothing.
func asks(name string, print func(io.Writer, json.RawMessage) error) func(*flag.FlagSet) run {
	return func(flags *flag.FlagSet) run {
		a := askFlags(flags)
		return func(ctx context.Context, args []string, t terminal) int {
			if code, ok := takesNothing(name, args, t); !ok {
				return code
			}
			return a.command(ctx, t, name, nil, nil, print)
		}
	}
}

// command has the running farmproxy run a command, and prints its answer: with print, or
// as JSON. Events go to event, if there is one, as they come; as JSON, each is a line.
func (a asking) command(ctx context.Context, t terminal, name string, args any, event, print func(io.Writer, json.RawMessage) error) int {
	if *a.json {
		print = printJSON
		if event != nil {
			event = printJSON
		}
	}
	each := func(line json.RawMessage) error {
		if event == nil {
			return nil
		}
		return event(t.out, line)
	}
	answer, err := a.ask(ctx, name, args, each)
	var refused admin.Refused
	switch {
	case errors.As(err, &refused):
		// The details may be worth more than the sentence.
		if answer != nil {
			if err := print(t.out, answer); err != nil {
				return failed(t, err)
			}
		}
		fmt.Fprintf(t.err, "farmproxy %s: %s\n", typed(name), refused)
		return exitFailed
	case errors.Is(err, context.Canceled):
		return exitFailed // Ctrl-C: whoever pressed it knows
	case err != nil:
		fmt.Fprintf(t.err, "farmproxy %s: %v\n", typed(name), err)
		return exitFailed
	}
	if err := print(t.out, answer); err != nil {
		return failed(t, err)
	}
	return exitOK
}

// ask tries the sockets where a farmproxy may be, in turn.
func (a asking) ask(ctx context.Context, name string, args any, event func(json.RawMessage) error) (json.RawMessage, error) {
	paths, err := a.sockets()
	if err != nil {
		return nil, err
	}
	var nobody []error
	for _, path := range paths {
		answer, err := admin.Do(ctx, path, name, args, event)
		if !errors.Is(err, admin.ErrNobody) {
			return answer, err
		}
		nobody = append(nobody, err)
	}
	return nil, fmt.Errorf("%w\nstart farmproxy, or name its socket (-socket) or its configuration (-c)", errors.Join(nobody...))
}

// Where the shipped unit's farmproxy has its directories.
const (
	unitRuntimeDirectory = "/run/farmproxy"
	unitStateDirectory   = "/var/lib/farmproxy"
)

// sockets returns where farmproxy may listen, the likeliest first. A configuration that
// this user can't read does not matter, as long as farmproxy is where the unit puts it.
func (a asking) sockets() ([]string, error) {
	if *a.socket != "" {
		return []string{*a.socket}, nil
	}
	var c config.Config
	if f, err := config.Open(*a.file); err == nil {
		if found, _ := f.Check(); found != nil {
			c = *found
		}
		c.StateDir = f.StateDir() // also in a file that is being repaired
	} else if *a.file != installedConfig {
		return nil, err
	}
	if c.Admin.Socket != "" {
		return []string{c.Admin.Socket}, nil
	}
	var paths []string
	if c.StateDir != "" && c.StateDir != unitStateDirectory {
		paths = append(paths, c.AdminSocket("", c.StateDir))
	}
	return append(paths, c.AdminSocket(unitRuntimeDirectory, ""), c.AdminSocket("", unitStateDirectory)), nil
}

func printJSON(w io.Writer, line json.RawMessage) error {
	_, err := fmt.Fprintf(w, "%s\n", line)
	return err
}

// ordering is what the commands have that order something.
type ordering struct {
	asking
	dry *bool
}

// orderFlags adds the flags of a command that orders something.
func orderFlags(flags *flag.FlagSet) ordering {
	return ordering{askFlags(flags), flags.Bool("dry-run", false, "only say what it would do")}
}

// order has the running farmproxy do what is ordered, or say what that would do.
func (o ordering) order(ctx context.Context, t terminal, name string, args any, print func(io.Writer, json.RawMessage) error) int {
	if *o.dry {
		return o.command(ctx, t, name+proxy.DryRun, args, nil, printEffects)
	}
	return o.command(ctx, t, name, args, nil, print)
}

// printEffects prints what an order would do, for people.
func printEffects(w io.Writer, answer json.RawMessage) error {
	var e api.OrderEffects
	if err := json.Unmarshal(answer, &e); err != nil {
		return fmt.Errorf("the answer does not say what the order would do: %w", err)
	}
	return printLines(w, append(e.Effects, "Nothing was changed: this was a dry run."))
}

// typed returns what people type for the other process's command of that name: that of
// weights set is weights.
func typed(name string) string {
	word, _, _ := strings.Cut(name, " ")
	return word
}
