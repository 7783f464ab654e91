package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/cli"
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

// The demo's pools: the farm is divided among the goals of the first two, and the third is
// the backup of both.
const (
	demoMain, demoSecond, demoBackup = "main", "second", "backup"

	demoFirst, demoOther = 70, 30 // the weights of the first two, which are exchanged
)

// demoPlan says what happens in each minute, and when.
type demoPlan struct{ off, on, weigh, every time.Duration }

// demoMinute shows a split from the start, then a failover and a return, and another split,
// within the first minute.
func demoMinute() demoPlan {
	return demoPlan{off: 15 * time.Second, on: 30 * time.Second, weigh: 40 * time.Second, every: time.Minute}
}

func demoCommand(ctx context.Context, args []string, t cli.Terminal) error {
	o := demoOptions{miners: 200, rate: 20, http: "127.0.0.1:8080"}
	flags := cli.NewFlags(t, "demo", `
Runs three pools, the proxy and a small farm on this machine until Ctrl-C. The
miners really mine, at a difficulty that a CPU can meet. 70 % of the work goes
to one pool and 30 % to another. In every minute the main pool is down for
15 s, from 0:15 on, and at 0:40 the weights are exchanged.`)
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
	for i, name := range []string{demoMain, demoSecond, demoBackup} {
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
	s, err := stand.Proxy(ctx, stand.ProxyOptions{Exe: o.exe, Pools: pools, User: scenario.PoolUser, Pass: true, Registry: true, HTTP: web, Weights: []float64{demoFirst, demoOther}})
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

  page       http://%s/
  terminal   farmproxy top -url %s
  farmproxy  %s
  pools      main %s, second %s,
             backup %s
  API        /api/v1/status, /api/v1/workers?search=rig0001, /metrics, /readyz

70 %% of the work goes to main and 30 %% to second. In every minute main is off
from 0:15 to 0:30: its miners go to the backup and come back, and lose no
connection. At 0:40 the weights are exchanged. Ctrl-C ends it all.

`, o.miners, demoName(0), web, web, s.Addr, pools[0].Addr(), pools[1].Addr(), pools[2].Addr())
	if err := fleet.Connect(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	line := cli.NewProgress(cli.Terminal{Err: t.Out})
	playing, stop := context.WithCancel(ctx)
	var play sync.WaitGroup
	play.Go(func() { demoMinute().play(playing, pools[0], web, line) })
	watch(ctx, s, web, fleet, line)
	stop()
	play.Wait()
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

// play does what the plan says until ctx ends.
func (p demoPlan) play(ctx context.Context, main *pool.Pool, web string, line *cli.Progress) {
	first, other := demoFirst, demoOther
	for began := time.Now(); ; began = began.Add(p.every) {
		steps := []struct {
			at time.Duration
			do func() (string, error)
		}{
			{p.off, func() (string, error) {
				main.Stop()
				return "the main pool is switched off", nil
			}},
			{p.on, func() (string, error) {
				return "the main pool is on again; farmproxy goes back once it is well", main.Start()
			}},
			{p.weigh, func() (string, error) {
				first, other = other, first
				weights := map[string]any{"weights": map[string]int{demoMain: first, demoSecond: other}}
				return fmt.Sprintf("the weights are changed over the API: main %d, second %d", first, other),
					api.At(web).Do(ctx, http.MethodPut, "/api/v1/routes/"+stand.SplitRoute+"/weights", http.StatusOK, weights, nil)
			}},
		}
		for _, s := range steps {
			if wait.For(ctx, time.Until(began.Add(s.at))) != nil {
				return
			}
			text, err := s.do()
			if err != nil && ctx.Err() == nil {
				text = fmt.Sprintf("this did not work: %s: %v", text, err)
			}
			line.Note(text)
		}
	}
}

// watch shows the proxy's own view as it changes, and reports where the miners of the main
// pool go.
func watch(ctx context.Context, s *stand.Stand, web string, fleet *fleet.Fleet, line *cli.Progress) {
	defer line.End()
	began, on := time.Now(), ""
	for {
		err := followFarm(ctx, web, func(f *farmNow) {
			if at := f.mainAt(); at != "" && at != on {
				if on != "" {
					line.Note(fmt.Sprintf("its miners work at %s now; %d disconnects of miners so far", at, fleet.Books().Total().Disconnects))
				}
				on = at
			}
			line.Show(f.line(time.Since(began)))
		})
		if ctx.Err() == nil {
			line.Show(fmt.Sprintf("no news of the farm: %v", err))
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

// farmNow is the part of an event of /api/v1/live that the demo shows.
type farmNow struct {
	Shares struct {
		Accepted uint64            `json:"accepted"`
		Rejected map[string]uint64 `json:"rejected"`
	} `json:"shares"`
	Pools []struct {
		Name   string `json:"name"`
		Miners int    `json:"miners"`
	} `json:"pools"`
}

// mainAt is where the miners of the main pool work; "": nowhere.
func (f *farmNow) mainAt() string {
	for _, p := range f.Pools {
		if p.Miners > 0 && p.Name != demoSecond {
			return p.Name
		}
	}
	return ""
}

// lineWidth is that of a terminal, with its cursor.
const lineWidth = 79

// line fits into 80 columns of a terminal.
func (f *farmNow) line(after time.Duration) string {
	var rejected uint64
	for _, n := range f.Shares.Rejected {
		rejected += n
	}
	var pools []string
	for _, p := range f.Pools {
		pools = append(pools, fmt.Sprintf("%s %d", p.Name, p.Miners))
	}
	text := []rune(fmt.Sprintf("%2d:%02d  miners: %s; %d shares, %d rejected",
		int(after.Minutes()), int(after.Seconds())%60, strings.Join(pools, ", "), f.Shares.Accepted, rejected))
	return string(text[:min(len(text), lineWidth)])
}

// maxEvent bounds an event: 200 bytes for each of as many miners as a fleet may have.
const maxEvent = 16 << 20

// followFarm passes on what the proxy tells an open page, until ctx or the stream ends.
func followFarm(ctx context.Context, web string, show func(*farmNow)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+web+"/api/v1/live", nil)
	if err != nil {
		return err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /api/v1/live: %s", reply.Status)
	}
	lines := bufio.NewScanner(reply.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		text, is := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !is {
			continue
		}
		var event struct {
			Farm farmNow `json:"farm"`
		}
		if err := json.Unmarshal(text, &event); err != nil {
			return fmt.Errorf("GET /api/v1/live: %w", err)
		}
		show(&event.Farm)
	}
	return errors.Join(errors.New("GET /api/v1/live: the stream has ended"), lines.Err())
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
