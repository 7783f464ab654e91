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
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"farmproxy/bench"
	"farmproxy/config"
	"farmproxy/proxy"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // the request did not succeed; stderr says why
	exitMisused = 2 // the command line is wrong
	exitPartly  = 3 // an import was incomplete; stdout says what is missing
)

const usage = `farmproxy - a mining proxy for farms

  farmproxy run   -c FILE    serve miners
  farmproxy check -c FILE    list every problem of a configuration, or else what it turns on;
                             exit 1 if there is a problem; -connect also tries the pools
  farmproxy import …         import from stratum-proxy or BTCAgent (farmproxy import -h)
  farmproxy store repair …   replace a damaged account database (farmproxy store -h)
  farmproxy bench …          load-test this machine with simulated pools and miners, or run a demo (farmproxy bench -h)
  farmproxy version

FILE is a TOML file, or BTCAgent's agent_conf.json. A minimal FILE:

  [[listener]]
  address = "0.0.0.0:3333"

  [[pool]]
  url  = "stratum+tcp://pool.example:3333"
  user = "account"
`

func main() {
	runtime.MemProfileRate = 0 // its tables are 0.5 MB; -memprofile turns it on
	os.Exit(dispatch(untilAsked(), os.Args[1:], os.Stdout, os.Stderr))
}

// untilAsked returns a context that ends with the first SIGTERM or SIGINT. The second
// one ends the process at once, whatever it is doing.
func untilAsked() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// dispatch runs one subcommand until it ends or ctx does.
func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitMisused
	}
	switch name, args := args[0], args[1:]; name {
	case "run":
		return runCommand(ctx, args, stderr)
	case "check":
		connect := false
		path, code := configFile(name, args, stderr, func(flags *flag.FlagSet) {
			flags.BoolVar(&connect, "connect", false, "connect to each pool, wait for its first job, and print what it offers")
		})
		if path == "" {
			return code
		}
		return checkFile(ctx, path, connect, stdout, stderr)
	case "import":
		return importOther(ctx, args, stdout, stderr)
	case "store":
		return storeCommand(ctx, args, stdout, stderr)
	case "bench":
		return bench.Main(ctx, args, stdout, stderr)
	case "version":
		fmt.Fprintln(stdout, "farmproxy", proxy.Version())
		return exitOK
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return exitOK
	default:
		fmt.Fprintf(stderr, "farmproxy: unknown command %q\n\n%s", name, usage)
		return exitMisused
	}
}

// configFile reads -c FILE and the flags that more adds. Without a file it returns the
// exit code.
func configFile(name string, args []string, stderr io.Writer, more func(*flag.FlagSet)) (path string, code int) {
	flags := flag.NewFlagSet("farmproxy "+name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("c", "", "the configuration `file` (TOML, or BTCAgent's JSON)")
	more(flags)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return "", exitOK
		}
		return "", exitMisused
	}
	if *file == "" || flags.NArg() > 0 {
		fmt.Fprintf(stderr, "farmproxy %s takes a configuration file and nothing else: farmproxy %s -c FILE\n", name, name)
		return "", exitMisused
	}
	return *file, exitOK
}

// runCommand runs farmproxy run. Whatever ends it is logged, in the log's format.
func runCommand(ctx context.Context, args []string, stderr io.Writer) int {
	var p profile
	path, code := configFile("run", args, stderr, p.flags)
	if path == "" {
		return code
	}
	queue := proxy.NewLogQueue(stderr)
	defer queue.End()
	log := queue.Logger()
	f, err := config.Open(path)
	if err != nil {
		log.Error(err.Error())
		return exitFailed
	}
	x := proxy.Examine(ctx, f, true, false)
	if x.Config != nil && !x.Problems.Within("log") {
		queue.Configure(x.Config.Log)
	}
	if !tell(log, x.Problems) {
		return exitFailed
	}
	stop, err := p.start()
	if err == nil {
		err = errors.Join(proxy.Run(ctx, x.Config, queue), stop())
	}
	if err != nil {
		log.Error(err.Error())
		return exitFailed
	}
	return exitOK
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
