package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit codes of Main.
const (
	exitOK      = 0
	exitFailed  = 1 // something did not work, or the books do not agree
	exitMisused = 2 // wrong arguments
)

// command is one subcommand of bench.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, io terminal) error
}

var commands = []command{
	{"run", "start pools, proxy and a fleet, compare both sides, print one table", runCommand},
	{"budget", "the costs that the design allows, beside the floor: one table", budgetCommand},
	{"sweep", "costs against the number of miners and against shares a second", sweepCommand},
	{"long", "memory over millions of shares", longCommand},
	{"table", "a recorded run as a table, in Markdown", tableCommand},
	{"plot", "recorded sweeps as a picture (SVG)", plotCommand},
	{"gobench", "a recorded run as go test -bench would print it, for benchstat", gobenchCommand},
	{"pool", "a Stratum V1 pool that verifies every share, with scripted troubles", poolCommand},
	{"fleet", "miners that really mine, against any pool or proxy", fleetCommand},
	{"floor", "a canned responder: as fast as a Go proxy could ever be", floorCommand},
	{"demo", "pool, proxy and fleet, live, until Ctrl-C", demoCommand},
}

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func (t terminal) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// Main runs `farmproxy bench args...` until it is done or ctx ends, and returns
// the exit code: 0, 1 when something failed or a comparison found a breach, 2
// for wrong arguments. Standard input is read by those subcommands that take
// commands there.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	t := terminal{in: os.Stdin, out: stdout, err: stderr}
	if len(args) == 0 {
		usage(stderr)
		return exitMisused
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		usage(stdout)
		return exitOK
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], t)
		var misuse misuse
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return exitOK
		case errors.As(err, &misuse):
			fmt.Fprintf(stderr, "farmproxy bench %s: %v\ntry: farmproxy bench %s -h\n", c.name, err, c.name)
			return exitMisused
		}
		fmt.Fprintf(stderr, "farmproxy bench %s: %v\n", c.name, err)
		return exitFailed
	}
	fmt.Fprintf(stderr, "farmproxy bench: no subcommand %q\n", args[0])
	usage(stderr)
	return exitMisused
}

func usage(w io.Writer) {
	fmt.Fprint(w, "usage: farmproxy bench SUBCOMMAND [flags]\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-7s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nfarmproxy bench SUBCOMMAND -h lists its flags\n")
}

// misuse is an error in the arguments.
type misuse struct{ error }

func misused(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// newFlags is a flag set whose help begins with about.
func newFlags(t terminal, name, about string) *flag.FlagSet {
	flags := flag.NewFlagSet("farmproxy bench "+name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are told by Main, help by parse
	flags.Usage = func() {
		flags.SetOutput(t.err)
		fmt.Fprintf(t.err, "usage: farmproxy bench %s [flags]\n\n%s\n\n", name, strings.TrimSpace(about))
		flags.PrintDefaults()
	}
	return flags
}

// parseFlags is for sets made by newFlags.
func parseFlags(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return misuse{err}
	}
	return err
}

// parse is for commands that take no arguments beside flags.
func parse(flags *flag.FlagSet, args []string) error {
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return misused("unexpected argument %q", flags.Arg(0))
	}
	return nil
}
