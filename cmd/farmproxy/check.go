package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"farmproxy/check"
	"farmproxy/config"
	"farmproxy/plain"
	"farmproxy/proxy"
)

const checkAbout = `The exit code is 1 if there is a problem; a warning is none. check also looks at the machine: ports, names, directories and files. It changes nothing.

Pools and routes that were set over the API are looked at too, if check may read them: those of the file have no effect then, and a warning says so.

With -diff, check also asks the running farmproxy what a reload of this file would change, or why it would be refused. That farmproxy gets the text of the file, so it need not be able to read it.`

func checkCommand(flags *flag.FlagSet) run {
	path := configFlag(flags)
	connect := flags.Bool("connect", false, "connect to each pool, wait for its first job, and print what it offers")
	diff := flags.Bool("diff", false, "also print what a reload would change in the running farmproxy")
	a := asking{file: path, json: new(bool), socket: flags.String("socket", "", "with -diff: the running farmproxy's `SOCKET`, instead of the one that the configuration names")}
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("check", args, t); !ok {
			return code
		}
		code := checkFile(ctx, *path, *connect, t.out, t.err)
		if *diff && code == exitOK {
			code = a.difference(ctx, t)
		}
		return code
	}
}

// unitState returns the state directory that the shipped unit has made for the farmproxy that
// works by a file; "": that is not known.
func unitState(path string) string {
	if path == installedConfig {
		return unitStateDirectory
	}
	return ""
}

// checkFile prints a file's problems on stderr, and what the file turns on on stdout.
func checkFile(ctx context.Context, path string, connect bool, stdout, stderr io.Writer) int {
	f, err := config.Open(path)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	f = proxy.Overlaid(f, unitState(path), false)
	x := proxy.Examine(ctx, f, false, connect)
	for _, p := range x.Problems {
		fmt.Fprintln(stderr, p)
	}
	errors, warnings := x.Problems.Split()
	if len(errors) > 0 {
		fmt.Fprintf(stderr, "%s: %s%s\n", strings.Join(errors.Files(), ", "), plain.Several(len(errors), "problem"), also(warnings))
		return exitFailed
	}
	fmt.Fprintf(stdout, "%s: ok%s\n", path, also(warnings))
	for _, line := range append(check.Summary(x.Config), x.Offers...) {
		fmt.Fprintln(stdout, " ", line)
	}
	return exitOK
}

// difference prints what a reload of the file would change.
func (a asking) difference(ctx context.Context, t terminal) int {
	f, err := config.Open(*a.file)
	if err != nil {
		return failed(t, err)
	}
	var what struct {
		File string `json:"file"`
		Text string `json:"text"`
	}
	what.File, what.Text = *a.file, string(f.Text())
	fmt.Fprintln(t.out, "a reload would do this:")
	return a.command(ctx, t, "diff", what, nil, printReload)
}

func also(warnings config.Problems) string {
	if len(warnings) == 0 {
		return ""
	}
	return ", " + plain.Several(len(warnings), "warning")
}
