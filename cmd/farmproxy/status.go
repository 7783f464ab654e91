package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"farmproxy/api"
	"farmproxy/stats"
)

const statusAbout = `What is shown is that of GET /api/v1/status: miners, links, shares and hash rate. It comes over the admin socket, so it needs no token.`

// printStatus prints a status for people.
func printStatus(w io.Writer, answer json.RawMessage) error {
	var s api.Status
	if err := json.Unmarshal(answer, &s); err != nil {
		return fmt.Errorf("the answer is no status: %w", err)
	}
	ready := "no: " + s.Error
	if s.Ready {
		ready = "yes"
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("farmproxy", "%s, process %d, for %v", s.Version, s.PID, time.Duration(s.Uptime*float64(time.Second)))
	row("ready", "%s", ready)
	row("miners", "%d of %d, %d authorized", s.Miners, s.MinersMax, s.Authorized)
	row("workers", "%d of %d up", s.WorkersUp, s.Workers)
	row("links", "%d of %d up", s.LinksUp, s.Links)
	row("pool", "%s", cmp.Or(s.Pool, "none"))
	row("shares", "%d accepted", s.Shares.Accepted)
	for _, reason := range slices.Sorted(maps.Keys(s.Shares.Rejected)) {
		row("", "%d rejected: %s", s.Shares.Rejected[reason], reason)
	}
	row("hash rate", "%s", stats.HashRate(s.HashRate))
	if s.Overlay != nil {
		row("pools, routes", "%s", printable(s.Overlay.String()))
	}
	return table.Flush()
}
