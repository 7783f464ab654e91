package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// demoOptions are the flags of bench demo.
type demoOptions struct {
	miners int
	rate   float64
	http   string
	length time.Duration
	exe    string
}

func demoCommand(ctx context.Context, args []string, t terminal) error {
	o := demoOptions{miners: 200, rate: 20, http: "127.0.0.1:8080"}
	flags := newFlags(t, "demo", `
A pool, the proxy and a small farm on this machine, live, until Ctrl-C. The
miners really mine, at a difficulty that a CPU can meet.`)
	flags.IntVar(&o.miners, "miners", o.miners, "how many")
	flags.Float64Var(&o.rate, "rate", o.rate, "shares per second of all miners")
	flags.StringVar(&o.http, "http", o.http, "`host:port` of the proxy's HTTP; another port when it is taken")
	flags.DurationVar(&o.length, "for", o.length, "end after that long; 0: at Ctrl-C")
	flags.StringVar(&o.exe, "exe", o.exe, "the farmproxy `program`; default: this one")
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case o.miners < 1 || o.miners > MaxMiners:
		return misused("-miners: want 1 to %d, got %d", MaxMiners, o.miners)
	case !(o.rate > 0):
		return misused("-rate: want more than 0 shares per second, got %v", o.rate)
	case o.length < 0:
		return misused("-for: want 0 or more, got %v", o.length)
	}
	if o.exe == "" {
		var err error
		if o.exe, err = os.Executable(); err != nil {
			return fmt.Errorf("-exe: %w; name the program", err)
		}
	}
	return demo(ctx, o, t)
}

// demo runs until ctx ends or the time is over. All it started is gone when it
// returns.
func demo(ctx context.Context, o demoOptions, t terminal) (err error) {
	if o.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.length)
		defer cancel()
	}
	po := DefaultPoolOptions()
	po.Name, po.JobEvery = "demo-pool", 10*time.Second
	pool, err := StartPool(po)
	if err != nil {
		return err
	}
	defer pool.Close()
	web, err := addrOrFree(o.http)
	if err != nil {
		return err
	}
	s, err := standProxy(ctx, proxyOptions{exe: o.exe, pools: []*Pool{pool}, user: poolUser, pass: true, http: web})
	if err != nil {
		return err
	}
	defer func() {
		if ending := s.stop(); ending != nil {
			err = errors.Join(err, fmt.Errorf("%w; its log is %s", ending, s.log()))
			return
		}
		s.clean()
	}()
	fo := DefaultFleetOptions(s.addr)
	fo.Miners, fo.Rate, fo.Name = o.miners, o.rate, demoName
	fleet, err := NewFleet(fo)
	if err != nil {
		return err
	}
	defer fleet.Close()

	t.printf(`A farm on this machine: %d miners > farmproxy on %s > pool on %s

  status    http://%s/api/v1/status
  workers   http://%s/api/v1/workers
  links     http://%s/api/v1/links
  metrics   http://%s/metrics
  health    http://%s/healthz   http://%s/readyz

Ctrl-C ends it all.

`, o.miners, s.addr, pool.Addr(), web, web, web, web, web, web)
	if err := fleet.Connect(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	s.watch(ctx, web, newProgress(terminal{err: t.out}))
	total, booked := fleet.Books().Total(), pool.Books().Total()
	t.printf("\nGoodbye: %d shares sent by %d miners, %d accepted, %d refused; %d on the pool's books.\n",
		total.Submits, o.miners, total.Accepted, total.Refused, booked.Accepted)
	return nil
}

// demoName gives the miners names as farms have them, several rows of racks.
func demoName(miner int) string {
	const rack = 20
	return fmt.Sprintf("%s.hall%c-r%02d-%02d", poolUser, 'A'+miner/(4*rack)%26, miner/rack%4+1, miner%rack+1)
}

// watch shows the proxy's own view once a second.
func (s *stand) watch(ctx context.Context, web string, line *progress) {
	defer line.end()
	for {
		status, err := fetchStatus(ctx, web)
		switch {
		case err == nil:
			line.show(status.line())
		case ctx.Err() == nil:
			line.show(fmt.Sprintf("no status: %v", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-s.child.exited:
			return // stop tells
		case <-time.After(time.Second):
		}
	}
}

// proxyStatus is what the demo shows of /api/v1/status.
type proxyStatus struct {
	Miners  int    `json:"miners"`
	Workers int    `json:"workers"`
	Links   int    `json:"links_up"`
	Pool    string `json:"pool"`
	Shares  struct {
		Accepted uint64            `json:"accepted"`
		Rejected map[string]uint64 `json:"rejected"`
	} `json:"shares"`
	HashRate float64 `json:"hashrate"`
}

func (s proxyStatus) line() string {
	var rejected uint64
	for _, n := range s.Shares.Rejected {
		rejected += n
	}
	return fmt.Sprintf("miners %d   workers %d   links %d (%s)   shares %d accepted, %d rejected   %s",
		s.Miners, s.Workers, s.Links, s.Pool, s.Shares.Accepted, rejected, hashRate(s.HashRate))
}

// hashRate is v in H/s with a prefix.
func hashRate(v float64) string {
	prefix := 0
	for ; v >= 1000 && prefix < 7; prefix++ {
		v /= 1000
	}
	return fmt.Sprintf("%.2f %sH/s", v, []string{"", "k", "M", "G", "T", "P", "E", "Z"}[prefix])
}

// statusWithin bounds one question to the proxy.
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

// addrOrFree is addr, or a free port on the same host when that is taken.
func addrOrFree(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		host, _, splitErr := net.SplitHostPort(addr)
		if splitErr != nil {
			return "", misused("-http: want host:port, got %q", addr)
		}
		if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
			return "", fmt.Errorf("-http: %w", err)
		}
	}
	defer l.Close()
	return l.Addr().String(), nil
}
