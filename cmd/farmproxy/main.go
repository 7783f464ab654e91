// Command farmproxy is a mining proxy for farms: tens of thousands of miners
// in, a few links to pools out.
//
// It wires the packages together and knows no protocol:
//
//	config ──> run ──┬──> netloop (miners) <──> upstream (pools)
//	                 ├──> stats <── api (HTTP)
//	                 └──> systemd
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"farmproxy/api"
	"farmproxy/bench"
	"farmproxy/config"
)

// version is set by the Makefile (-ldflags -X main.version=…).
var version = ""

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // what was asked for did not work; said on stderr
	exitMisused = 2 // the command line is wrong
	exitPartly  = 3 // an import could not take all over; said on stdout
)

const usage = `farmproxy - a mining proxy for farms

  farmproxy run   -c FILE    serve miners
  farmproxy check -c FILE    print every problem of a configuration, exit 1 if there is one
  farmproxy import …         take over from the account proxy or from BTCAgent (farmproxy import -h)
  farmproxy store repair …   move a damaged store aside and make a new one (farmproxy store -h)
  farmproxy bench …          load-test: pool, fleet, floor, run, demo (farmproxy bench -h)
  farmproxy version

FILE is TOML, or the agent_conf.json of a BTCAgent. Two tables suffice:

  [[listener]]
  address = "0.0.0.0:3333"

  [[pool]]
  url  = "stratum+tcp://pool.example:3333"
  user = "account"
`

func main() {
	runtime.MemProfileRate = 0 // its tables are 0.5 MB; -memprofile turns it on
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// dispatch runs one subcommand until it ends or ctx does.
func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitMisused
	}
	switch name, args := args[0], args[1:]; name {
	case "run":
		var p profile
		return withConfig(name, args, stderr, p.flags, func(c *config.Config) error {
			stop, err := p.start()
			if err != nil {
				return err
			}
			return errors.Join(run(ctx, c, stderr), stop())
		})
	case "check":
		return withConfig(name, args, stderr, nil, func(c *config.Config) error {
			if c.HTTP.TokenFile != "" {
				if _, err := api.LoadTokens(c.HTTP.TokenFile); err != nil {
					return err
				}
			}
			_, err := fmt.Fprintf(stdout, "ok: %d listeners, %d pools\n", len(c.Listeners), len(c.Pools))
			return err
		})
	case "import":
		return importOther(ctx, args, stdout, stderr)
	case "store":
		return storeCommand(ctx, args, stdout, stderr)
	case "bench":
		return bench.Main(ctx, args, stdout, stderr)
	case "version":
		fmt.Fprintln(stdout, "farmproxy", versionText())
		return exitOK
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return exitOK
	default:
		fmt.Fprintf(stderr, "farmproxy: there is no command %q\n\n%s", name, usage)
		return exitMisused
	}
}

// withConfig reads -c FILE, and the flags that more adds unless it is nil, and
// calls do with what FILE says.
func withConfig(name string, args []string, stderr io.Writer, more func(*flag.FlagSet), do func(*config.Config) error) int {
	flags := flag.NewFlagSet("farmproxy "+name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("c", "", "the configuration `file` (TOML, or BTCAgent's JSON)")
	if more != nil {
		more(flags)
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitMisused
	}
	if *file == "" || flags.NArg() > 0 {
		fmt.Fprintf(stderr, "farmproxy %s wants a configuration file and nothing else: farmproxy %s -c FILE\n", name, name)
		return exitMisused
	}
	if err := withFile(*file, stderr, do); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	return exitOK
}

func withFile(path string, stderr io.Writer, do func(*config.Config) error) error {
	f, err := config.Open(path)
	if err != nil {
		return err
	}
	c, err := f.Config()
	if err != nil {
		return err
	}
	if f.BTCAgent() {
		newLog(c.Log, stderr).Warn("this is BTCAgent's configuration, which says only what BTCAgent had; farmproxy import btcagent makes one of farmproxy's of it, with comments", "file", path)
	}
	return do(c)
}

// versionText returns the version that this binary was built as, or the commit
// that go build noted.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
