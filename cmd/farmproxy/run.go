package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"farmproxy/config"
	"farmproxy/proxy"
)

const runAbout = `The configuration is a TOML file, or BTCAgent's agent_conf.json. A minimal one:

  [[listener]]
  address = "0.0.0.0:3333"

  [[pool]]
  url  = "stratum+tcp://pool.example:3333"
  user = "account"

SIGTERM and SIGINT stop farmproxy in order: the ports are closed, and the pools' last answers are passed on. The second one ends it at once. SIGHUP reads the configuration again, as farmproxy reload does.

A configuration that is broken when farmproxy starts does not take the farm down: farmproxy works by the last good one, which it keeps in state_dir, and says so in the log.`

// installedConfig is where make install puts the configuration.
const installedConfig = "/etc/farmproxy/farmproxy.toml"

// configFlag adds -c.
func configFlag(flags *flag.FlagSet) *string {
	return flags.String("c", installedConfig, "the configuration `FILE`: TOML, or BTCAgent's JSON")
}

// runCommand defines farmproxy run. Whatever ends it is logged, in the log's format.
func runCommand(flags *flag.FlagSet) run {
	path := configFlag(flags)
	var p profile
	p.flags(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("run", args, t); !ok {
			return code
		}
		hangups := make(chan os.Signal, 1) // one more would ask for the same
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
		queue := proxy.NewLogQueue(t.err)
		defer queue.End()
		log := queue.Logger()
		before, err := proxy.Inherited()
		if err != nil {
			log.Error(err.Error())
			return exitFailed
		}
		f, err := config.Open(*path)
		if err != nil {
			log.Error(err.Error())
			before.Refuse(err)
			return exitUnusable
		}
		f = proxy.Overlaid(f, "", true)
		x := before.Examine(ctx, f)
		if x.Config != nil && !x.Problems.Within("log") {
			queue.Configure(x.Config.Log)
		}
		lastGood := false
		if !tell(log, x.Problems) {
			broken := x.Problems
			if before != nil { // it goes on
				before.Refuse(broken)
				return refusal(broken)
			}
			if f, x, lastGood = proxy.LastGood(ctx, f); !lastGood {
				return refusal(broken)
			}
			log.Error("the configuration is broken, as said above: farmproxy works by the last one that was good; correct it and reload", "broken", strings.Join(broken.Files(), ", "), "last_good", f.Path())
			queue.Configure(x.Config.Log)
		}
		stop, err := p.start()
		if err == nil {
			start := proxy.Start{Config: x.Config, File: f, LastGood: lastGood, Path: *path, Log: queue, Reload: hangups, Before: before}
			err = errors.Join(proxy.Run(ctx, start), stop())
		}
		if err != nil {
			log.Error(err.Error())
			return exitFailed
		}
		return exitOK
	}
}

// refusal returns the exit code of a farmproxy that these problems keep from starting: does
// it help to try again?
func refusal(problems config.Problems) int {
	if slices.ContainsFunc(problems, func(p config.Problem) bool { return !p.Warning && !p.Passing }) {
		return exitUnusable
	}
	return exitFailed
}

// tell logs problems, and reports whether farmproxy can start in spite of them.
func tell(log *slog.Logger, problems config.Problems) (start bool) {
	start = true
	for _, p := range problems {
		if p.Warning {
			p.Warning = false // the log's level says it
			log.Warn(p.String())
			continue
		}
		log.Error(p.String())
		start = false
	}
	return start
}
