package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"

	"farmproxy/check"
	"farmproxy/config"
	"farmproxy/proxy"
)

const checkAbout = `The exit code is 1 if there is a problem; a warning is none. check also looks at the machine: ports, names, directories and files. It changes nothing.`

func checkCommand(flags *flag.FlagSet) run {
	path := configFlag(flags)
	connect := flags.Bool("connect", false, "connect to each pool, wait for its first job, and print what it offers")
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("check", args, t); !ok {
			return code
		}
		return checkFile(ctx, *path, *connect, t.out, t.err)
	}
}

// checkFile prints a file's problems on stderr, and what the file turns on on stdout.
func checkFile(ctx context.Context, path string, connect bool, stdout, stderr io.Writer) int {
	f, err := config.Open(path)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	x := proxy.Examine(ctx, f, false, connect)
	for _, p := range x.Problems {
		fmt.Fprintln(stderr, p)
	}
	errors, warnings := x.Problems.Split()
	if len(errors) > 0 {
		fmt.Fprintf(stderr, "%s: %s%s\n", path, count(len(errors), "problem"), also(warnings))
		return exitFailed
	}
	fmt.Fprintf(stdout, "%s: ok%s\n", path, also(warnings))
	for _, line := range append(check.Summary(x.Config), x.Offers...) {
		fmt.Fprintln(stdout, " ", line)
	}
	return exitOK
}

func also(warnings config.Problems) string {
	if len(warnings) == 0 {
		return ""
	}
	return ", " + count(len(warnings), "warning")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
