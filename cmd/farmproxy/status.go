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
	"farmproxy/plain"
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
	row("farmproxy", "%s, process %d, for %s", s.Version, s.PID, plain.Age(time.Duration(s.Uptime*float64(time.Second))))
	row("ready", "%s", ready)
	row("miners", "%s of %s, %s authorized", plain.Count(s.Miners), plain.Count(s.MinersMax), plain.Count(s.Authorized))
	row("workers", "%s of %s up", plain.Count(s.WorkersUp), plain.Count(s.Workers))
	row("links", "%d of %d up", s.LinksUp, s.Links)
	row("pool", "%s", cmp.Or(s.Pool, "none"))
	row("shares", "%s accepted", plain.Count(s.Shares.Accepted))
	for _, reason := range slices.Sorted(maps.Keys(s.Shares.Rejected)) {
		row("", "%s rejected: %s", plain.Count(s.Shares.Rejected[reason]), reason)
	}
	row("hash rate, 5 min", "%s", plain.HashRate(s.HashRate))
	if s.Overlay != nil {
		row("pools, routes", "%s", printable(s.Overlay.String()))
	}
	return table.Flush()
}
