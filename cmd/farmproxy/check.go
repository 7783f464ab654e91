package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"farmproxy/check"
	"farmproxy/config"
	"farmproxy/proxy"
)

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
