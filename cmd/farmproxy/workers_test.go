package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/proxy"
)

// rigs are two workers as the running farmproxy lists them, one on each page, and a third
// that was not asked for.
func rigs() (pages [2]api.Workers) {
	now := time.Now().UTC()
	ten, hour, day := now.Add(-10*time.Second), now.Add(-3*time.Hour), now.Add(-120*time.Hour)
	one := api.Worker{Name: "farm.hall-1-rack-07-rig-0001", Pool: "pool.example:3333", Up: true, Miners: 1, HashRate: 123.4e12, LastShare: &ten, ConnectedSince: &hour,
		Difficulty: 65536, Address: "10.0.0.7:4028", Agent: "bosminer/1.0", Algorithm: "sha256d", User: "7804e4ad081dc330", Reconnects: 2, Group: "hall-1", Listener: "0.0.0.0:3333"}
	one.Accepted, one.Rejected = 9950, map[string]uint64{"stale": 49, "duplicate": 1}
	two := api.Worker{Name: "farm.\x1b[31mrig2", Pool: "pool.example:3333", LastShare: &day}
	for i, w := range []api.Worker{one, two} {
		pages[i].Total, pages[i].Page, pages[i].PerPage, pages[i].Workers = 3, i+1, 1, []api.Worker{w}
	}
	return pages
}

// A table without a line says why.
func TestNoWorkers(t *testing.T) {
	dir := t.TempDir()
	listening(t, dir, "workers", func(context.Context, *admin.Call) (any, error) { return api.Workers{}, nil })
	const head = "WORKER  POOL  HASH RATE  ACCEPTED  REJ %  LAST  UP\n"
	for line, want := range map[string]string{
		"workers":                          "no worker is known yet\n",
		"workers -sort hashrate -reverse":  "no worker is known yet\n",
		"workers -down":                    "no worker matches\n",
		"workers -group hall-2 -search x7": "no worker matches\n",
	} {
		code, got, said := invoke(t, append(strings.Fields(line), "-socket", dir+"/admin.sock")...)
		if code != exitOK || said != "" || got != head+want {
			t.Errorf("farmproxy %s: %d %s\n%s", line, code, said, got)
		}
	}
}

// Each case is a command line, what it asks of the running farmproxy, and what it prints.
func TestWorkers(t *testing.T) {
	dir, asked := t.TempDir(), ""
	listening(t, dir, "workers", func(_ context.Context, c *admin.Call) (any, error) {
		var args proxy.WorkersArgs
		if err := c.Args(&args); err != nil {
			return nil, err
		}
		asked = fmt.Sprintf("%s, %d", args.Query, args.Most)
		pages := rigs()
		return pages[1], c.Send(pages[0])
	})
	f := func(line, want, out string) {
		t.Helper()
		code, got, said := invoke(t, append(strings.Fields(line), "-socket", dir+"/admin.sock")...)
		if code != exitOK || said != "" || asked != want || out != "" && got != out {
			t.Errorf("farmproxy %s: %d %s\nasked %s, want %s\n%s", line, code, said, asked, want, got)
		}
	}
	f("workers", "sort=name, 0", `WORKER                        POOL         HASH RATE  ACCEPTED  REJ %  LAST   UP
farm.hall-1-rack-07-rig-0001  pool.examp…   123 TH/s     9,950   0.50  10 s  3 h
farm.?[31mrig2                pool.examp…      0 H/s         0      -   5 d    -
2 of 3 workers are shown
`)
	f("workers -wide", "sort=name, 0", `WORKER                        POOL               HASH RATE  ACCEPTED  REJ %  LAST   UP  DIFFICULTY  MINERS  RECONNECTS  ADDRESS        GROUP   LISTENER      ACCOUNT           ALGORITHM  AGENT
farm.hall-1-rack-07-rig-0001  pool.example:3333   123 TH/s     9,950   0.50  10 s  3 h      65,536       1           2  10.0.0.7:4028  hall-1  0.0.0.0:3333  7804e4ad081dc330  sha256d    bosminer/1.0
farm.?[31mrig2                pool.example:3333      0 H/s         0      -   5 d    -           -       0           0
2 of 3 workers are shown
`)
	f("workers -reverse", "order=desc&sort=name, 0", "")
	f("workers -sort hashrate -n 2", "order=desc&sort=hashrate, 2", "")
	f("workers -sort hashrate -reverse", "sort=hashrate, 0", "")
	f("workers -down -search hall-2. -pool a", "pool=a&search=hall-2.&sort=name&up=false, 0", "")
	f("workers -up -account x -algorithm scrypt", "account=x&algorithm=scrypt&sort=name&up=true, 0", "")
	f("workers -group hall-1 -listener :3333", "group=hall-1&listener=%3A3333&sort=name, 0", "")

	_, out, _ := invoke(t, "workers", "-json", "-socket", dir+"/admin.sock")
	pages := rigs()
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var got api.Workers
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Workers[0].Name != pages[i].Workers[0].Name {
			t.Errorf("line %d: %v %s", i+1, err, line)
		}
	}
}
