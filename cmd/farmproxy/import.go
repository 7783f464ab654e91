package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"farmproxy/config"
	"farmproxy/proxy"
	"farmproxy/store"
)

const importStratumProxyAbout = `FILE is the old proxy's SQLite database. What is in the new store already stays as it is there, so the import may be repeated.

It prints what became of each row. The exit code is 3 if something could not be imported.`

func importStratumProxyCommand(flags *flag.FlagSet) run {
	file := configFlag(flags)
	return importCommand("stratum-proxy", func(ctx context.Context, old string, t terminal) error {
		return importStratumProxy(ctx, *file, old, t.out)
	})
}

const importBTCAgentAbout = `FILE is BTCAgent's agent_conf.json. farmproxy also runs it as it is: farmproxy run -c agent_conf.json.`

func importBTCAgentCommand(*flag.FlagSet) run {
	return importCommand("btcagent", func(_ context.Context, old string, t terminal) error {
		return convert(old, (*config.File).FromBTCAgent, "BTCAgent's configuration, usually agent_conf.json next to its binary", t.out)
	})
}

const importBraiinsAbout = `FILE is the configuration of Braiins Farm Proxy, with [[server]], [[target]] and [[routing]]: the one in its directory config that docker-compose.yml mounts, or config/active_profile.toml.

Each [[routing]] becomes a [[route]], and each [[routing.goal]] a [[route.goal]] with the same weight. Comments say where each value comes from, and why a key has no equivalent.`

func importBraiinsCommand(*flag.FlagSet) run {
	return importCommand("braiins", func(_ context.Context, old string, t terminal) error {
		return convert(old, (*config.File).FromBraiins, "the configuration of Braiins Farm Proxy, usually in its directory config", t.out)
	})
}

// importCommand runs what imports the one file that the command line names.
func importCommand(kind string, do func(ctx context.Context, old string, t terminal) error) run {
	return func(ctx context.Context, args []string, t terminal) int {
		switch {
		case len(args) == 0:
			return misused(t, "import "+kind, "name a file to import")
		case len(args) > 1:
			return misused(t, "import "+kind, "more than one file after %s; name one file at a time", args[0])
		}
		err := do(ctx, args[0], t)
		if err == nil {
			return exitOK
		}
		fmt.Fprintln(t.err, err)
		if errors.Is(err, errPartly) {
			return exitPartly
		}
		return exitFailed
	}
}

// errPartly means that not everything could be imported.
var errPartly = errors.New("not imported")

// convert converts another proxy's configuration and prints it; which says what it is,
// for those who name a file that is not there.
func convert(old string, from func(*config.File) ([]byte, error), which string, stdout io.Writer) error {
	f, err := config.Open(old)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file; name %s", old, which)
	}
	if err != nil {
		return err
	}
	text, err := from(f)
	if err != nil {
		return err
	}
	_, err = stdout.Write(text)
	return err
}

func importStratumProxy(ctx context.Context, file, old string, stdout io.Writer) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	if c.Store.URL == "" {
		return fmt.Errorf("%s names no store to import into: add [store] with url = \"sqlite:///var/lib/farmproxy/farmproxy.db\"", file)
	}
	s, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	report, err := s.ImportStratumProxy(ctx, old)
	if err != nil {
		return err // what was imported so far stays, and the next run goes on from there
	}
	fmt.Fprintf(stdout, "new: %d accounts, %d pools, %d algorithms; already present: %d\n", report.Accounts, report.Pools, report.Algorithms, report.Known)
	for _, kept := range report.Kept {
		fmt.Fprintln(stdout, "kept as it was here:", kept)
	}
	for _, lost := range report.Lost {
		fmt.Fprintln(stdout, "not imported:", lost)
	}
	if n := len(report.Lost); n > 0 {
		return fmt.Errorf("%w: %d, for the reasons above; everything else was imported, and you may repeat the import", errPartly, n)
	}
	return nil
}

// openTime is how long an import waits for the store: a database on another machine may
// still be starting.
const openTime = 20 * time.Second

// openStore opens the store for an import.
func openStore(ctx context.Context, c *config.Config) (*store.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	o := proxy.StoreOptions(c, slog.New(slog.DiscardHandler))
	o.StateFile = "" // the state file belongs to the farmproxy that runs
	return store.Open(ctx, o)
}
