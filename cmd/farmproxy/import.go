package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"farmproxy/config"
)

const importUsage = `farmproxy import - take over what another proxy knows

  farmproxy import stratum-proxy [-c FILE] OLD.db    accounts, pools and algorithms of the account
                                                     proxy, into the store that FILE names
                                                     (default ` + installedConfig + `)
`

// installedConfig is where make install puts the configuration.
const installedConfig = "/etc/farmproxy/farmproxy.toml"

// importOther runs farmproxy import.
func importOther(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] != "stratum-proxy" {
		fmt.Fprint(stderr, importUsage)
		return exitMisused
	}
	flags := flag.NewFlagSet("farmproxy import stratum-proxy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {}
	file := flags.String("c", installedConfig, "the configuration `file`, with [store] url")
	old := ""
	err := flags.Parse(args[1:])
	if err == nil && flags.NArg() > 0 {
		old = flags.Arg(0)
		err = flags.Parse(flags.Args()[1:]) // flags may stand behind the file too
	}
	if err != nil || old == "" || flags.NArg() > 0 {
		fmt.Fprint(stderr, importUsage)
		return exitMisused
	}
	if err := importStratumProxy(ctx, *file, old, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	return exitOK
}

func importStratumProxy(ctx context.Context, file, old string, stdout io.Writer) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	s, err := openStore(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if s == nil {
		return fmt.Errorf("%s names no store to import into: add [store] with url = \"sqlite:///var/lib/farmproxy/farmproxy.db\"", file)
	}
	defer s.Close()
	report, err := s.ImportStratumProxy(ctx, old)
	if err != nil {
		return err // what was taken over before stays, and the next run goes on from there
	}
	fmt.Fprintf(stdout, "new: %d accounts, %d pools, %d algorithms; there already: %d\n", report.Accounts, report.Pools, report.Algorithms, report.Known)
	for _, conflict := range report.Conflicts {
		fmt.Fprintln(stdout, "not taken over:", conflict)
	}
	return nil
}
