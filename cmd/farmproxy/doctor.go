package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/doctor"
	"farmproxy/plain"
	"farmproxy/proxy"
)

const doctorAbout = `doctor looks at the configuration, the limit of open files, kernel settings, the clock, names, disks and certificates, and connects to each pool with its account until the first job comes. It says how to mend what it finds, and changes nothing.

The exit code is 1 if there is a problem; a warning is none. If farmproxy runs, its limits are looked at, which needs access to its admin socket.`

// runningTime bounds the question which process runs.
const runningTime = 2 * time.Second

func doctorCommand(flags *flag.FlagSet) run {
	a := askFlags(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("doctor", args, t); !ok {
			return code
		}
		f, err := config.Open(*a.file)
		if err != nil {
			return failed(t, err)
		}
		findings := proxy.Diagnose(ctx, proxy.Overlaid(f, unitState(*a.file), false), a.running(ctx))
		if *a.json {
			line, err := json.Marshal(findings)
			if err != nil {
				return failed(t, err)
			}
			fmt.Fprintf(t.out, "%s\n", line)
		}
		problems, warnings := 0, 0
		for _, f := range findings {
			if !*a.json {
				fmt.Fprint(t.out, f)
			}
			switch f.State {
			case doctor.Problem:
				problems++
			case doctor.Warning:
				warnings++
			}
		}
		if !*a.json {
			fmt.Fprintf(t.out, "%s, %s\n", plain.Several(problems, "problem"), plain.Several(warnings, "warning"))
		}
		if problems > 0 {
			return exitFailed
		}
		return exitOK
	}
}

// running returns the process id of the farmproxy that runs; 0: none answers.
func (a asking) running(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, runningTime)
	defer cancel()
	answer, err := a.ask(ctx, "status", nil, nil)
	var s api.Status
	if err != nil || json.Unmarshal(answer, &s) != nil {
		return 0
	}
	return s.PID
}
