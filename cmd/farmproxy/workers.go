package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"farmproxy/api"
	"farmproxy/plain"
	"farmproxy/proxy"
	"farmproxy/stats"
)

const workersAbout = `What is shown is that of GET /api/v1/workers: all workers that match every filter, by name. Hash rates are over 5 minutes. Numbers are sorted from the largest down, and with -sort last_share the ones that have been silent longest come last; -reverse turns the order around.

  farmproxy workers -down                         # who is missing
  farmproxy workers -sort hashrate -n 20          # the 20 fastest
  farmproxy workers -group hall-2 -sort rejected  # rejected most in hall 2
  farmproxy workers -json | jq -r '.workers[] | [.name, .hashrate] | @tsv'

LAST is the time since the last accepted share, UP since when the worker has a miner; - is one without. A name that has no room in the terminal ends in …; -wide shows it all, and more columns. With -json, each line has up to 1,000 workers.`

// workerFlags are the filters, and what the query of the API calls them.
var workerFlags = []struct{ name, about string }{
	{"search", "only workers with this `TEXT` in their name, in any case"},
	{"account", "only workers of the account of this `NAME`"},
	{"pool", "only workers whose last pool has this `NAME`"},
	{"algorithm", "only workers of the algorithm of this `NAME`"},
	{"group", "only workers of the group of this `NAME`"},
	{"listener", "only workers that connect to this `ADDRESS` of a listener"},
}

func workersCommand(flags *flag.FlagSet) run {
	a := askFlags(flags)
	filters := make(map[string]*string)
	for _, f := range workerFlags {
		filters[f.name] = flags.String(f.name, "", f.about)
	}
	order := flags.String("sort", "name", "sort by `KEY`: "+strings.Join(stats.WorkerOrders(), ", "))
	reverse := flags.Bool("reverse", false, "sort the other way round")
	up := flags.Bool("up", false, "only workers with a miner")
	down := flags.Bool("down", false, "only workers without a miner")
	most := flags.Int("n", 0, "show the first `N` only")
	wide := flags.Bool("wide", false, "show more columns, and everything, in lines of any length")
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("workers", args, t); !ok {
			return code
		}
		q := url.Values{"sort": {*order}}
		if byNumber := *order != stats.ByName.String(); byNumber != *reverse {
			q.Set("order", "desc")
		}
		filtered := *up || *down
		for name, text := range filters {
			if *text != "" {
				filtered = true
				q.Set(name, *text)
			}
		}
		switch {
		case *up && *down:
			return misused(t, "workers", "-up and -down: there is nobody who is both")
		case *up || *down:
			q.Set("up", strconv.FormatBool(*up))
		}
		if *most < 0 {
			return misused(t, "workers", "-n: expected a whole number from 0")
		}
		p := workersPrinter{filtered: filtered, wide: *wide, width: t.width(*wide), now: time.Now()}
		return a.command(ctx, t, "workers", proxy.WorkersArgs{Query: q.Encode(), Most: *most}, p.page, p.last)
	}
}

// workersPrinter collects pages, and prints them as one table.
type workersPrinter struct {
	filtered bool // not all workers are asked for
	wide     bool
	width    int // of the table; 0: as wide as it is
	now      time.Time
	table    table
	list     []api.Worker
}

// page takes a page that is not the last one.
func (p *workersPrinter) page(_ io.Writer, line json.RawMessage) error {
	_, err := p.take(line)
	return err
}

func (p *workersPrinter) take(line json.RawMessage) (total int, err error) {
	var a api.Workers
	if err := json.Unmarshal(line, &a); err != nil {
		return 0, fmt.Errorf("the answer is no list of workers: %w", err)
	}
	p.list = append(p.list, a.Workers...)
	return a.Total, nil
}

// last takes the last page, and prints them all.
func (p *workersPrinter) last(w io.Writer, line json.RawMessage) error {
	total, err := p.take(line)
	if err != nil {
		return err
	}
	p.table.columns = []column{{title: "WORKER", least: 12}, {title: "POOL", least: 8}, {title: "HASH RATE", right: true}, {title: "ACCEPTED", right: true}, {title: "REJ %", right: true}, {title: "LAST", right: true}, {title: "UP", right: true}}
	if p.wide {
		p.table.columns = append(p.table.columns, column{title: "DIFFICULTY", right: true}, column{title: "MINERS", right: true}, column{title: "RECONNECTS", right: true}, column{title: "ADDRESS"}, column{title: "GROUP"}, column{title: "LISTENER"}, column{title: "ACCOUNT"}, column{title: "ALGORITHM"}, column{title: "AGENT"})
	}
	for i := range p.list {
		p.add(&p.list[i])
	}
	if err := p.table.print(w, p.width); err != nil {
		return err
	}
	switch {
	case total == 0 && p.filtered:
		_, err = fmt.Fprintln(w, "no worker matches")
	case total == 0:
		_, err = fmt.Fprintln(w, "no worker is known yet")
	case len(p.list) < total:
		_, err = fmt.Fprintf(w, "%s of %s workers are shown\n", plain.Count(len(p.list)), plain.Count(total))
	}
	return err
}

func (p *workersPrinter) add(x *api.Worker) {
	rejected := sum(x.Rejected)
	since := plain.Unknown
	if x.Up {
		since = ago(x.ConnectedSince, p.now)
	}
	row := []string{printable(x.Name), printable(x.Pool), plain.HashRate(x.HashRate), plain.Count(x.Accepted), percent(rejected, x.Accepted+rejected), ago(x.LastShare, p.now), since}
	if p.wide {
		row = append(row, plain.Difficulty(x.Difficulty), plain.Count(x.Miners), plain.Count(x.Reconnects), x.Address, printable(x.Group), x.Listener, x.User, x.Algorithm, printable(x.Agent))
	}
	p.table.add(row...)
}
