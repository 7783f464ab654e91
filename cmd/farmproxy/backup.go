package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"

	"farmproxy/config"
	"farmproxy/proxy"
	"farmproxy/store"
)

const storeBackupAbout = `It copies the SQLite file set in [store], and the key to the passwords in it, to DIRECTORY, which is made if need be. Nothing there is overwritten. Run this as farmproxy's user; farmproxy goes on meanwhile.

docs/operations.md says how to restore a backup.`

func storeBackupCommand(flags *flag.FlagSet) run {
	file := configFlag(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if len(args) != 1 {
			return misused(t, "store backup", "name a directory for the copies")
		}
		c, err := config.Load(*file)
		if err != nil {
			return failed(t, err)
		}
		if c.Store.URL == "" {
			return failed(t, fmt.Errorf("%s names no store", *file))
		}
		copies, err := store.Backup(ctx, proxy.StoreOptions(c, slog.New(slog.DiscardHandler)), args[0])
		if err != nil {
			return failed(t, err)
		}
		for _, name := range copies {
			fmt.Fprintln(t.out, "copied:", name)
		}
		return exitOK
	}
}
