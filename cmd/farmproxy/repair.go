package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"farmproxy/config"
	"farmproxy/proxy"
	"farmproxy/store"
)

const storeUsage = `farmproxy store - the store of accounts, pools and algorithms

  farmproxy store repair [-c FILE]    check the SQLite file set in FILE; if it is damaged, rename it and
                                      make a new one with the accounts remembered in state_dir
                                      (default FILE: ` + installedConfig + `)

Stop farmproxy first, and run this as farmproxy's user. It deletes nothing.
`

// storeCommand runs farmproxy store.
func storeCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, storeUsage)
		return exitMisused
	}
	flags := flag.NewFlagSet("farmproxy store repair", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the usage says it all
	file := flags.String("c", installedConfig, "the configuration `file`, with [store] url")
	switch args[0] {
	case "repair":
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, storeUsage)
		return exitOK
	default:
		fmt.Fprint(stderr, storeUsage)
		return exitMisused
	}
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, storeUsage)
		return exitOK
	case err != nil || flags.NArg() > 0:
		fmt.Fprintf(stderr, "farmproxy store repair takes -c FILE and nothing else\n\n%s", storeUsage)
		return exitMisused
	}
	if err := repair(ctx, *file, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	return exitOK
}

// repair moves a damaged store aside, and says what it did.
func repair(ctx context.Context, file string, stdout io.Writer) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	if c.Store.URL == "" {
		return fmt.Errorf("%s names no store", file)
	}
	o := proxy.StoreOptions(c, slog.New(slog.NewTextHandler(stdout, nil)))
	r, err := store.Repair(ctx, o)
	for _, name := range r.Moved {
		fmt.Fprintln(stdout, "moved aside:", name)
	}
	switch {
	case err != nil:
		return err
	case r.Whole:
		fmt.Fprintln(stdout, "the store is intact: nothing was changed")
	case r.Unusable != nil:
		return fmt.Errorf("no new store was made: the accounts remembered in %s cannot be used: %w", o.StateFile, r.Unusable)
	case r.Remembered.IsZero():
		fmt.Fprintln(stdout, "no accounts are remembered: restore a backup of the store, or start farmproxy, which creates an empty one")
	default:
		fmt.Fprintf(stdout, "made a new store with the %d accounts remembered at %s; start farmproxy\n", r.Accounts, r.Remembered.Local().Format("2006-01-02 15:04:05"))
	}
	return nil
}
