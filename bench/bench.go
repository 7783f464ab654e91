package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"farmproxy/bench/cli"
)

// Exit codes of Main.
const (
	exitOK      = 0
	exitFailed  = 1 // something did not work, or the books disagree
	exitMisused = 2 // wrong arguments
)

// Subcommand is what bench has to offer, for the shells' completion.
type Subcommand struct{ Name, Summary string }

// Subcommands returns all of them, in the order of help.
func Subcommands() (list []Subcommand) {
	for _, c := range commands {
		list = append(list, Subcommand{c.name, c.summary})
	}
	return list
}

// command is one subcommand of bench.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, io cli.Terminal) error
}

var commands = []command{
	{"run", "start pools, the proxy and miners, compare the counts of both sides, print one table", runCommand},
	{"budget", "measure every cost that has a budget, print one table", budgetCommand},
	{"sweep", "measure costs at several numbers of miners and several share rates", sweepCommand},
	{"long", "watch the proxy's memory over millions of shares", longCommand},
	{"table", "print a recorded run as a Markdown table", tableCommand},
	{"plot", "draw recorded sweeps (SVG)", plotCommand},
	{"gobench", "print a recorded run in the format of go test -bench, for benchstat", gobenchCommand},
	{"pool", "run a Stratum V1 pool that verifies every share, with scripted faults", poolCommand},
	{"fleet", "run miners that really mine, against any pool or proxy", fleetCommand},
	{"heir", "stand in for the new process of an upgrade, and fail", heirCommand},
	{"floor", "run a responder that parses nothing: the least that a proxy could cost", floorCommand},
	{"demo", "run three pools, the proxy and miners until Ctrl-C", demoCommand},
}

// Main runs `farmproxy bench args...` until it is done or ctx ends, and returns the
// exit code: 0, 1 if something failed or a comparison found a breach, 2 for wrong
// arguments. Some subcommands read commands from standard input.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	t := cli.Terminal{In: os.Stdin, Out: stdout, Err: stderr}
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
		var misuse cli.Misuse
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
		cli.Define(w, c.name, len("  gobench  "), c.summary)
	}
	fmt.Fprint(w, "\nfarmproxy bench SUBCOMMAND -h lists its flags\n")
}
