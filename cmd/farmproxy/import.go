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

const importUsage = `farmproxy import - import from another proxy

  farmproxy import stratum-proxy [-c FILE] OLD.db    copy the accounts, pools and algorithms of
                                                     miningmeter/stratum-proxy to the store set in FILE
                                                     (default ` + installedConfig + `)
  farmproxy import btcagent agent_conf.json          convert a BTCAgent configuration to farmproxy's format
                                                     and print it, with comments
`

// installedConfig is where make install puts the configuration.
const installedConfig = "/etc/farmproxy/farmproxy.toml"

// importOther runs farmproxy import.
func importOther(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	kind := ""
	if len(args) > 0 {
		kind, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("farmproxy import "+kind, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the usage says it all
	var do func(old string) error
	switch kind {
	case "stratum-proxy":
		file := flags.String("c", installedConfig, "the configuration `file`, with [store] url")
		do = func(old string) error { return importStratumProxy(ctx, *file, old, stdout) }
	case "btcagent":
		do = func(old string) error { return importBTCAgent(old, stdout) }
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, importUsage)
		return exitOK
	default:
		fmt.Fprint(stderr, importUsage)
		return exitMisused
	}
	old, err := oneFile(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, importUsage)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "farmproxy import %s: %v\n\n%s", kind, err, importUsage)
		return exitMisused
	}
	err = do(old)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, err)
	if errors.Is(err, errPartly) {
		return exitPartly
	}
	return exitFailed
}

// errPartly means that not everything could be imported.
var errPartly = errors.New("not imported")

// oneFile parses a command line that names one file, before or after the flags.
func oneFile(flags *flag.FlagSet, args []string) (string, error) {
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	if flags.NArg() == 0 {
		return "", errors.New("name a file to import")
	}
	file := flags.Arg(0)
	if err := flags.Parse(flags.Args()[1:]); err != nil {
		return "", err
	}
	if flags.NArg() > 0 {
		return "", fmt.Errorf("more than one file after %s; name one file at a time", file)
	}
	return file, nil
}

// importBTCAgent converts a configuration of BTCAgent's and prints it.
func importBTCAgent(old string, stdout io.Writer) error {
	f, err := config.Open(old)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file; name BTCAgent's configuration, usually agent_conf.json next to its binary", old)
	}
	if err != nil {
		return err
	}
	text, err := f.FromBTCAgent()
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
