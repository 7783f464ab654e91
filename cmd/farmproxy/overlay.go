package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"

	"farmproxy/api"
	"farmproxy/plain"
	"farmproxy/proxy"
)

const overlayAbout = `Pools and routes can be set on farmproxy's page, or with PUT /api/v1/config/overlay. They take the place of all [[pool]] and [[route]] of the configuration file, also after a restart and an upgrade, and are kept in overlay.toml in the state directory. overlay shows the pools and routes in use, and where they come from.

With -remove, those of the configuration file hold again: first -dry-run, which says what that would do. To keep what was set, copy it from overlay.toml to the configuration file, reload, and then remove the overlay: nothing changes then.`

func overlayCommand(flags *flag.FlagSet) run {
	a := askFlags(flags)
	remove := flags.Bool("remove", false, "the pools and routes of the configuration file hold again")
	dry := flags.Bool("dry-run", false, "with -remove: only say what that would do")
	return func(ctx context.Context, args []string, t terminal) int {
		code, ok := takesNothing("overlay", args, t)
		switch {
		case !ok:
			return code
		case *remove:
			return a.command(ctx, t, "overlay remove", proxy.OverlayArgs{DryRun: *dry}, nil, printOverlayChange)
		case *dry:
			return misused(t, "overlay", "-dry-run is for -remove")
		}
		return a.command(ctx, t, "overlay", nil, nil, printOverlay)
	}
}

// printOverlay prints pools and routes for people.
func printOverlay(w io.Writer, answer json.RawMessage) error {
	var r proxy.OverlayReport
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("the answer is no list of pools and routes: %w", err)
	}
	from := "those of the configuration file"
	if r.Overlay != nil && r.Overlay.Overlay != nil {
		from = r.Overlay.Overlay.String() + ", in " + r.Overlay.Overlay.File
	}
	return printLines(w, append([]string{"pools and routes: " + from}, r.Summary...))
}

// printOverlayChange prints for people what a change does, or would do.
func printOverlayChange(w io.Writer, answer json.RawMessage) error {
	var c api.OverlayChange
	if err := json.Unmarshal(answer, &c); err != nil {
		return fmt.Errorf("the answer does not say what was done: %w", err)
	}
	var lines []string
	for _, p := range c.Problems {
		lines = append(lines, p.Text)
	}
	lines = append(lines, slices.Concat(c.Changes, c.Effects, c.Warnings)...)
	switch n := plain.Several(len(c.Changes), "change"); {
	case len(c.Problems) > 0:
	case c.DryRun:
		lines = append(lines, n+" would be made")
	default:
		lines = append(lines, n)
	}
	return printLines(w, lines)
}
