package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/figure"
	"farmproxy/bench/fleet"
	"farmproxy/bench/pool"
	"farmproxy/bench/scenario"
	"farmproxy/bench/stand"
	"farmproxy/bench/wait"
)

// demoOptions are the flags of bench demo.
type demoOptions struct {
	miners int
	rate   float64
	http   string
	length time.Duration
	exe    string
}

// outage says when the demo's main pool is off.
type outage struct{ from, to, every time.Duration }

// demoOutage shows a failover and a return within the first minute.
func demoOutage() outage { return outage{20 * time.Second, 35 * time.Second, time.Minute} }

func demoCommand(ctx context.Context, args []string, t cli.Terminal) error {
	o := demoOptions{miners: 200, rate: 20, http: "127.0.0.1:8080"}
	flags := cli.NewFlags(t, "demo", `
Runs two pools, the proxy and a small farm on this machine until Ctrl-C. The
miners really mine, at a difficulty that a CPU can meet. In every minute the
main pool is down for 15 s, from 0:20 on.`)
	flags.IntVar(&o.miners, "miners", o.miners, "number of miners")
	flags.Float64Var(&o.rate, "rate", o.rate, "shares per second of all miners")
	flags.StringVar(&o.http, "http", o.http, "`host:port` of the proxy's HTTP; if it is in use, another port")
	flags.DurationVar(&o.length, "for", o.length, "stop after this long; 0: at Ctrl-C")
	flags.StringVar(&o.exe, "exe", o.exe, "the farmproxy `program`; default: this one")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	switch {
	case o.miners < 1 || o.miners > fleet.MaxMiners:
		return cli.Misused("-miners: want 1 to %d, got %d", fleet.MaxMiners, o.miners)
	case !(o.rate > 0):
		return cli.Misused("-rate: want more than 0 shares per second, got %v", o.rate)
	case o.length < 0:
		return cli.Misused("-for: want 0 or more, got %v", o.length)
	}
	if o.exe == "" {
		var err error
		if o.exe, err = os.Executable(); err != nil {
			return fmt.Errorf("-exe: %w; name the program", err)
		}
	}
	return demo(ctx, o, t)
}

// demo runs until ctx ends or the time is up. Everything it started is gone when it
// returns.
func demo(ctx context.Context, o demoOptions, t cli.Terminal) (err error) {
	if o.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.length)
		defer cancel()
	}
	var pools []*pool.Pool
	for i, name := range []string{"main", "backup"} {
		po := pool.DefaultOptions()
		po.Name, po.Seed, po.JobEvery = name, po.Seed+uint64(i), 10*time.Second
		pool, err := pool.Start(po)
		if err != nil {
			return err
		}
		defer pool.Close()
		pools = append(pools, pool)
	}
	web, err := addrOrFree(o.http)
	if err != nil {
		return err
	}
	s, err := stand.Proxy(ctx, stand.ProxyOptions{Exe: o.exe, Pools: pools, User: scenario.PoolUser, Pass: true, Registry: true, HTTP: web})
	if err != nil {
		return err
	}
	defer func() {
		if ending := s.Stop(); ending != nil {
			err = errors.Join(err, fmt.Errorf("%w; its log is %s", ending, s.LogFile()))
			return
		}
		s.Clean()
	}()
	fo := fleet.DefaultOptions(s.Addr)
	fo.Miners, fo.Rate, fo.Name = o.miners, o.rate, demoName
	fleet, err := fleet.New(fo)
	if err != nil {
		return err
	}
	defer fleet.Close()

	t.Printf(`A farm on this machine: %d miners, %s and so on.

  farmproxy  %s
  pools      %s (main), %s (backup)
  page       http://%s/
  API        /api/v1/status, /api/v1/workers?search=rig0001, /metrics, /readyz

The main pool is off from 0:20 to 0:35 of every minute: the miners go to the
backup and come back, and lose no connection. Ctrl-C ends it all.

`, o.miners, demoName(0), s.Addr, pools[0].Addr(), pools[1].Addr(), web)
	if err := fleet.Connect(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	line := cli.NewProgress(cli.Terminal{Err: t.Out})
	failing, stop := context.WithCancel(ctx)
	var troubled sync.WaitGroup
	troubled.Go(func() { demoOutage().of(failing, pools[0], line) })
	watch(ctx, s, web, fleet, line)
	stop()
	troubled.Wait()
	total, booked := fleet.Books().Total(), 0
	for _, pool := range pools {
		booked += pool.Books().Total().Accepted
	}
	t.Printf("\nGoodbye: %d miners sent %d shares, %d accepted, %d refused,\n%d on the pools' books.\n",
		o.miners, total.Submits, total.Accepted, total.Refused, booked)
	return nil
}

// demoName returns the miners' names as in the README.
func demoName(miner int) string { return fmt.Sprintf("%s.rig%04d", scenario.PoolUser, miner+1) }

// of switches a pool off and on again until ctx ends.
func (o outage) of(ctx context.Context, main *pool.Pool, line *cli.Progress) {
	for began := time.Now(); ; began = began.Add(o.every) {
		if wait.For(ctx, time.Until(began.Add(o.from))) != nil {
			return
		}
		main.Stop()
		line.Note("the main pool is switched off")
		if wait.For(ctx, time.Until(began.Add(o.to))) != nil {
			return
		}
		if err := main.Start(); err != nil {
			line.Note(fmt.Sprintf("the main pool does not come back: %v", err))
			return
		}
		line.Note("the main pool is on again; farmproxy goes back once it is well")
	}
}

// watch shows the proxy's own view once a second, and reports changes of the pool.
func watch(ctx context.Context, s *stand.Stand, web string, fleet *fleet.Fleet, line *cli.Progress) {
	defer line.End()
	began, on := time.Now(), ""
	for {
		status, err := fetchStatus(ctx, web)
		switch {
		case err == nil:
			if status.Pool != "" && status.Pool != on && on != "" {
				line.Note(fmt.Sprintf("the farm mines at %s; %d disconnects of miners so far", status.Pool, fleet.Books().Total().Disconnects))
			}
			if status.Pool != "" {
				on = status.Pool
			}
			line.Show(status.line(time.Since(began)))
		case ctx.Err() == nil:
			line.Show(fmt.Sprintf("no status: %v", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-s.Child.Exited:
			return // stop reports it
		case <-time.After(time.Second):
		}
	}
}

// proxyStatus is the part of /api/v1/status that the demo shows.
type proxyStatus struct {
	Miners int    `json:"miners"`
	Pool   string `json:"pool"`
	Shares struct {
		Accepted uint64            `json:"accepted"`
		Rejected map[string]uint64 `json:"rejected"`
	} `json:"shares"`
	HashRate float64 `json:"hashrate"`
}

// line fits into 80 columns of a terminal.
func (s proxyStatus) line(after time.Duration) string {
	var rejected uint64
	for _, n := range s.Shares.Rejected {
		rejected += n
	}
	on := s.Pool
	if on == "" {
		on = "no pool"
	}
	return fmt.Sprintf("%2d:%02d  %d miners on %s  %d shares, %d rejected  %s",
		int(after.Minutes()), int(after.Seconds())%60, s.Miners, on, s.Shares.Accepted, rejected, figure.HashRate(s.HashRate))
}

// statusWithin bounds one request to the proxy.
const statusWithin = 2 * time.Second

func fetchStatus(ctx context.Context, web string) (s proxyStatus, err error) {
	ctx, cancel := context.WithTimeout(ctx, statusWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+web+"/api/v1/status", nil)
	if err != nil {
		return s, err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return s, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return s, fmt.Errorf("GET /api/v1/status: %s", reply.Status)
	}
	return s, json.NewDecoder(reply.Body).Decode(&s)
}

// addrOrFree returns addr, or a free port on the same host if addr is taken.
func addrOrFree(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		host, _, splitErr := net.SplitHostPort(addr)
		if splitErr != nil {
			return "", cli.Misused("-http: want host:port, got %q", addr)
		}
		if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
			return "", fmt.Errorf("-http: %w", err)
		}
	}
	defer l.Close()
	return l.Addr().String(), nil
}
