package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"farmproxy/config"
	"farmproxy/proxy"
	"farmproxy/store"
)

const storeRepairAbout = `It checks the SQLite file set in [store]. If the file is damaged, it is renamed, and a new one is made with the accounts remembered in state_dir. Nothing is deleted.

Stop farmproxy first, and run this as farmproxy's user.`

func storeRepairCommand(flags *flag.FlagSet) run {
	file := configFlag(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("store repair", args, t); !ok {
			return code
		}
		if err := repair(ctx, *file, t.out); err != nil {
			return failed(t, err)
		}
		return exitOK
	}
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
