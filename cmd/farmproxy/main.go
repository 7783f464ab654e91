// Command farmproxy is a mining proxy for farms: tens of thousands of miners
// in, a few links to pools out.
//
// It owns the subcommands, their flags, signals and exit codes; package proxy does the
// work.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"farmproxy/config"
)

func main() {
	runtime.MemProfileRate = 0 // its tables are 0.5 MB; -memprofile turns it on
	os.Exit(dispatch(untilAsked(), os.Args[1:], terminal{os.Stdout, os.Stderr, columnsOf(os.Stdout)}))
}

// untilAsked returns a context that ends with the first SIGTERM or SIGINT. The second
// one ends the process at once, whatever it is doing.
func untilAsked() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// dispatch runs one command until it ends or ctx does.
func dispatch(ctx context.Context, args []string, t terminal) int {
	if len(args) == 0 {
		fmt.Fprint(t.err, overview())
		return exitMisused
	}
	switch args[0] {
	case "-h", "-help", "--help":
		args = []string{"help"}
	case "-version", "--version":
		args = []string{"version"}
	}
	c, rest := find(args)
	if c == nil {
		return unknown(args, t)
	}
	flags, do := c.flagSet()
	if c.own {
		return do(ctx, rest, t)
	}
	rest, err := parse(flags, rest)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(t.out, c.help())
		return exitOK
	case err != nil:
		return misused(t, c.name, "%w%s", err, meantFlag(flags, err))
	}
	return do(ctx, rest, t)
}

// parse reads flags before, between and behind the other arguments, which it returns.
func parse(flags *flag.FlagSet, args []string) (others []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return others, nil
		}
		others, args = append(others, flags.Arg(0)), flags.Args()[1:]
	}
}

// unknown answers a command line that begins with no command: perhaps with a group.
func unknown(args []string, t terminal) int {
	about, isGroup := groups[args[0]]
	if !isGroup {
		fmt.Fprintf(t.err, "farmproxy: unknown command %q%s\ntry: farmproxy -h\n", args[0], meant(args[0], firstWords()))
		return exitMisused
	}
	text := groupHelp(args[0], about)
	if len(args) > 1 {
		switch args[1] {
		case "help", "-h", "-help", "--help":
			fmt.Fprint(t.out, text)
			return exitOK
		}
		fmt.Fprintf(t.err, "farmproxy %s: unknown command %q%s\ntry: farmproxy %[1]s -h\n", args[0], args[1], meant(args[1], secondWords(args[0])))
		return exitMisused
	}
	fmt.Fprint(t.err, text)
	return exitMisused
}

// meant asks whether another word was meant; "" if none is near.
func meant(word string, known []choice) string {
	near := config.Nearest(word, strings.Fields(names(known)))
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", near)
}

// meantFlag asks, where there is no such flag, whether another one was meant; "" if none is
// near.
func meantFlag(flags *flag.FlagSet, err error) string {
	name, undefined := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !undefined {
		return ""
	}
	var known []string
	flags.VisitAll(func(f *flag.Flag) {
		if len(f.Name) > 1 { // a single letter is near to all that begins with it
			known = append(known, f.Name)
		}
	})
	near := config.Nearest(name, known)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean -%s?", near)
}

// misused complains about a command line, and returns the exit code for it.
func misused(t terminal, name, format string, args ...any) int {
	fmt.Fprintf(t.err, "farmproxy %s: %v\ntry: farmproxy %s -h\n", name, fmt.Errorf(format, args...), name)
	return exitMisused
}

// failed reports an error, and returns the exit code for it.
func failed(t terminal, err error) int {
	fmt.Fprintln(t.err, err)
	return exitFailed
}
