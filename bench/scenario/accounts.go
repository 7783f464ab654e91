package scenario

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/cli"
	"farmproxy/bench/fleet"
	"farmproxy/bench/judge"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/bench/stand"
	"farmproxy/bench/wait"
)

// accounts is the scenario of one proxy that serves several accounts at several pools,
// each with its own algorithm, through one port. Shares flow all the time, except while
// the two sides compare their sums.
type accounts struct {
	o      Options
	stand  *stand.Stand
	api    api.Client
	pools  []*pool.Pool
	crews  []*crew
	leaver *crew // one of those; its account gets deleted
	fig    Figures
	say    func(format string, args ...any)
	breach func(format string, args ...any)
}

// Defaults of the scenario: a thousand miners per account; few shares, because a scrypt
// hash takes 0.4 ms and is computed three times; and a load long enough that hash rates
// are compared over more than rateLeast of it.
const (
	accountsMiners = 3000
	accountsRate   = 300
	accountsLoad   = 20 * time.Second
)

// leaverShare is the fraction of miners that, in addition, belong to the account to be
// deleted.
const leaverShare = 30

// playAccounts is play for this scenario.
func playAccounts(ctx context.Context, o Options, t cli.Terminal) (out Outcome, err error) {
	var mu sync.Mutex
	a := &accounts{o: o, breach: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		out.Broken = append(out.Broken, fmt.Sprintf(format, args...))
	}}
	defer func() {
		for _, p := range a.pools {
			p.Close()
		}
	}()
	if err := a.startPools(); err != nil {
		return out, err
	}
	web, err := stand.FreeAddr()
	if err != nil {
		return out, err
	}
	if a.stand, err = stand.Proxy(ctx, stand.ProxyOptions{Exe: o.Exe, Pools: nil, HTTP: web, Store: true}); err != nil {
		return out, err
	}
	a.api = api.At(web)
	defer func() { // after the fleets are closed
		if ending := a.stand.Stop(); ending != nil {
			a.breach("%v", ending)
		}
		if err == nil && len(out.breaches()) == 0 && !o.Keep {
			a.stand.Clean()
			return
		}
		out.Log = a.stand.LogFile()
	}()
	defer a.close()
	if err := a.register(ctx); err != nil {
		return out, err
	}
	current := ""
	a.say = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		current = fmt.Sprintf(format, args...)
	}
	line := cli.NewProgress(t)
	defer line.End()
	start := time.Now()
	defer line.Every(func() string {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprintf("%5.1fs proxy %s: %s", time.Since(start).Seconds(), current, status(a.crews))
	})()
	err = a.play(ctx)
	out.Figures = a.fig
	a.judge(&out, err == nil)
	return out, err
}

func (a *accounts) play(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{
		a.connect, a.load, a.deleteAccount, a.outage, a.compare, a.kill, a.compare,
	} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	var err error
	a.fig.RSSEnd, err = a.stand.Child.RSS()
	return err
}

// localShares is how many shares there are per share that goes to the pool, where
// miners ask for an easier difficulty than the pool's.
const localShares = 16

// startPools starts a pool per algorithm, each with its own extranonce2 size. The first
// one is harder than its miners want.
func (a *accounts) startPools() error {
	for i, kind := range []struct {
		algorithm   *proof.Algorithm
		extranonce2 int
	}{{proof.SHA256d, 8}, {proof.Scrypt, 4}, {proof.Unchecked, 6}} {
		o := pool.DefaultOptions()
		o.Name, o.Seed, o.AnswerDelay = "pool-"+kind.algorithm.Name, a.o.Seed+uint64(i), a.o.AnswerDelay
		o.Algorithm, o.Difficulty, o.Extranonce2Size = kind.algorithm, kind.algorithm.Easy(), kind.extranonce2
		if i == 0 {
			o.Difficulty *= localShares
		}
		o.JobEvery, o.CleanEvery = a.o.JobEvery, a.o.CleanEvery
		p, err := pool.Start(o)
		if err != nil {
			return err
		}
		a.pools = append(a.pools, p)
		a.crews = append(a.crews, &crew{pool: p, user: "farm-" + kind.algorithm.Name, pass: kind.algorithm == proof.Scrypt})
	}
	a.leaver = &crew{pool: a.pools[0], user: "leaver"}
	a.crews = append(a.crews, a.leaver)
	return nil
}

// register registers the pools and the accounts with the proxy, and creates the fleets
// with the resulting names.
func (a *accounts) register(ctx context.Context) error {
	for _, c := range a.crews[:len(a.pools)] {
		p := api.Pool{Pool: c.pool.Addr(), Algorithm: c.pool.Options().Algorithm.Name, Workers: c.workers()}
		if err := a.api.Do(ctx, http.MethodPost, "/api/v1/pools", http.StatusCreated, p, nil); err != nil {
			return err
		}
	}
	for i, c := range a.crews {
		var err error
		if c.name, err = a.api.Register(ctx, c.registration()); err != nil {
			return err
		}
		o := fleet.DefaultOptions(a.stand.Addr)
		o.Miners = a.o.Miners / len(a.pools)
		if c == a.leaver {
			o.Miners = max(1, a.o.Miners/leaverShare)
		}
		c.rate = a.o.Rate * float64(o.Miners) / float64(a.o.Miners)
		if c.pool == a.pools[0] {
			o.Password = fmt.Sprintf("d=%v", proof.EasyDifficulty)
		}
		o.Algorithm, o.Account, o.Seed, o.Rate = c.pool.Options().Algorithm, c.name, a.o.Seed+uint64(i), 0
		o.Connecting, o.ConnectRate = max(1, a.o.Connecting/len(a.crews)), a.o.ConnectRate/float64(len(a.crews))
		if c.fleet, err = fleet.New(o); err != nil {
			return err
		}
	}
	return nil
}

// close ends all fleets.
func (a *accounts) close() {
	for _, c := range a.crews {
		if c.fleet != nil {
			c.fleet.Close()
		}
	}
}

// at starts or ends the load of all crews.
func (a *accounts) at(work bool) {
	for _, c := range a.crews {
		c.at(work)
	}
}

// connect brings all crews to work at the same time.
func (a *accounts) connect(ctx context.Context) error {
	a.say("connecting %d miners of %d accounts", a.miners(a.crews), len(a.crews))
	ctx, cancel := context.WithTimeout(ctx, connectBase+time.Duration(a.o.Miners/connectRate)*time.Second)
	defer cancel()
	start := time.Now()
	failed := make(chan error, len(a.crews))
	for _, c := range a.crews {
		go func() { failed <- c.fleet.Connect(ctx) }()
	}
	for range a.crews {
		if err := <-failed; err != nil {
			return err
		}
	}
	for _, c := range a.crews {
		if n := c.turnedAway(); n > 0 {
			a.breach("%d of %d miners of %s were refused at first, though the account was registered: %s", n, c.fleet.Options().Miners, c.user, c.fleet.Books().LastTrouble())
		}
	}
	a.fig.Miners = a.miners(a.crews)
	a.fig.ConnectSeconds = time.Since(start).Seconds()
	var err error
	a.fig.RSSConnected, err = a.stand.Child.RSS()
	return err
}

func (a *accounts) miners(crews []*crew) (n int) {
	for _, c := range crews {
		n += c.fleet.Options().Miners
	}
	return n
}

func (a *accounts) submits() (n int) {
	for _, c := range a.crews {
		n += c.fleet.Books().Total().Submits
	}
	return n
}

// load sends shares for the given time and measures their cost.
func (a *accounts) load(ctx context.Context) error {
	a.say("%v of load, %g shares/s", a.o.Duration, a.o.Rate)
	if err := wait.For(ctx, quietBefore); err != nil {
		return err
	}
	before, err := a.stand.Child.CPU()
	if err != nil {
		return err
	}
	sent, start := a.submits(), time.Now()
	a.at(true)
	if err := wait.For(ctx, a.o.Duration); err != nil {
		return err
	}
	after, err := a.stand.Child.CPU()
	if err != nil {
		return err
	}
	shares := a.submits() - sent
	if shares == 0 {
		return fmt.Errorf("no share was sent in %v of load", a.o.Duration)
	}
	a.fig.SharesPerSecond = float64(shares) / time.Since(start).Seconds()
	a.fig.CPUPerShare = (after - before).Seconds() / float64(shares)
	a.fig.CPUTicksShares = int64((after - before) / stand.ClockTick)
	for _, c := range a.crews { // the slowest: they mine separately
		a.fig.RoundTripP50 = max(a.fig.RoundTripP50, c.fleet.Books().RoundTrip(0.50).Seconds())
		a.fig.RoundTripP99 = max(a.fig.RoundTripP99, c.fleet.Books().RoundTrip(0.99).Seconds())
	}
	return nil
}

// reasonGone is the reason for which the proxy closes the miners of a deleted account.
const reasonGone = "account_gone"

// deleteAccount deletes an account whose miners are working.
func (a *accounts) deleteAccount(ctx context.Context) error {
	c, others := a.leaver, a.watch(without(a.crews, a.leaver))
	path, miners := "/api/v1/users/"+url.PathEscape(c.name), c.fleet.Options().Miners
	a.say("account %s is deleted", c.name)
	start := time.Now()
	if err := a.api.Do(ctx, http.MethodDelete, path, http.StatusNoContent, nil, nil); err != nil {
		return err
	}
	c.cuts = append(c.cuts, cut{start, judge.ExcuseGone})
	c.gone = true
	if wait.Until(ctx, a.o.Patience, func() bool { return c.fleet.Books().Total().Disconnects >= miners }) {
		a.fig.GoneSeconds = time.Since(start).Seconds()
	} else {
		a.breach("deleted account: only %d of %d miners were closed within %v", c.fleet.Books().Total().Disconnects, miners, a.o.Patience)
	}
	c.at(false)
	if !wait.Until(ctx, a.o.Patience, func() bool { return c.turnedAway() == miners }) {
		a.breach("deleted account: only %d of %d miners came back and were refused", c.turnedAway(), miners)
	}
	if n := c.fleet.Ready(); n > 0 {
		a.breach("deleted account: %d miners are at work", n)
	}
	c.fleet.Close()
	all, err := a.api.Series(ctx, "farmproxy_connections_closed_total")
	if err != nil {
		return err
	}
	if n, _ := api.Sum(all, "farmproxy_connections_closed_total", "reason", reasonGone); int(n) != miners {
		a.breach("deleted account: %v connections were closed with reason %s, want %d", n, reasonGone, miners)
	}
	if err := a.api.Do(ctx, http.MethodGet, path, http.StatusNotFound, nil, nil); err != nil {
		a.breach("deleted account: %v", err)
	}
	if err := wait.For(ctx, a.o.Calm); err != nil {
		return err
	}
	others("while account %s was deleted", c.name)
	return nil
}

// watch returns a function that reports each crew that has suffered since. Whether
// shares were refused for a reason is for reconcile to decide.
func (a *accounts) watch(crews []*crew) func(while string, args ...any) {
	before := make([]fleet.Total, len(crews))
	for i, c := range crews {
		before[i] = c.fleet.Books().Total()
	}
	return func(while string, args ...any) {
		while = fmt.Sprintf(while, args...)
		for i, c := range crews {
			now := c.fleet.Books().Total()
			switch {
			case now.Disconnects > before[i].Disconnects:
				a.breach("%s: %d miners of %s lost their connection: %s", while, now.Disconnects-before[i].Disconnects, c.user, c.fleet.Books().LastTrouble())
			case now.Accepted == before[i].Accepted:
				a.breach("%s: no share of %s was accepted", while, c.user)
			}
		}
	}
}

// outage stops one pool for a while. The crews at the other pools go on.
func (a *accounts) outage(ctx context.Context) error {
	c := a.crews[1]
	others := a.watch(without(without(a.crews, a.leaver), c))
	a.say("pool %s goes down", c.pool.Options().Name)
	c.pool.Stop()
	a.poolUp(ctx, c, 0)
	if err := wait.For(ctx, a.o.Calm); err != nil {
		return err
	}
	a.say("pool %s comes back", c.pool.Options().Name)
	fresh := c.pool.Job(true).Emitted // no miner has seen it, or any later one
	start := time.Now()
	if err := c.pool.Start(); err != nil {
		return err
	}
	var last time.Time
	if wait.Until(ctx, a.o.Patience, func() bool {
		var miners int
		for _, j := range c.pool.Jobs() {
			if j.Emitted.Before(fresh) {
				continue
			}
			if miners, last = c.fleet.Arrived(j.Key); miners >= c.fleet.Options().Miners {
				return true
			}
		}
		return false
	}) {
		a.fig.ReturnSeconds = last.Sub(start).Seconds()
	} else {
		a.breach("outage: not all of %d miners have a new job of pool %s %v after its return", c.fleet.Options().Miners, c.pool.Options().Name, a.o.Patience)
	}
	a.poolUp(ctx, c, 1)
	back := a.watch([]*crew{c})
	if err := wait.For(ctx, a.o.Calm); err != nil {
		return err
	}
	back("after the return of pool %s", c.pool.Options().Name)
	others("while pool %s was down", c.pool.Options().Name)
	return nil
}

// poolUp waits until the account proxy's series shows that value for the crew's pool.
func (a *accounts) poolUp(ctx context.Context, c *crew, want float64) {
	if !wait.Until(ctx, a.o.Patience, func() bool {
		all, err := a.api.Series(ctx, "proxy_pool_up")
		up, n := api.Sum(all, "proxy_pool_up", "pool", c.pool.Addr(), "hash", predecessorHash(c))
		return err == nil && n == 1 && up == want
	}) {
		a.breach("proxy_pool_up of pool %s did not become %v within %v", c.pool.Options().Name, want, a.o.Patience)
	}
}

// kill ends the proxy like a crash, with shares in flight, and starts it again.
func (a *accounts) kill(ctx context.Context) error {
	a.say("the proxy is killed")
	crews := without(a.crews, a.leaver)
	a.at(true)
	if err := wait.For(ctx, a.o.Calm); err != nil {
		return err
	}
	start := time.Now()
	for _, c := range crews {
		c.cuts = append(c.cuts, cut{start, judge.ExcuseKilled})
		n := c.fleet.Books().Total()
		if failures := n.Failures - n.Refusals; n.Disconnects+failures > 0 { // connect has reported refusals
			a.breach("%d disconnects of miners of %s, %d failed dials and handshakes before the proxy was killed; the last: %s", n.Disconnects, c.user, failures, c.fleet.Books().LastTrouble())
		}
	}
	a.stand.Child.Kill()
	for _, c := range crews { // anything sent before must have arrived
		if !wait.Until(ctx, a.o.Patience, func() bool { return c.fleet.Connected() == 0 }) {
			return fmt.Errorf("%d miners of %s don't notice that the proxy was killed", c.fleet.Connected(), c.user)
		}
		c.lost, c.from = c.fleet.Books().Total().Disconnects, time.Now()
	}
	if err := a.stand.Launch(ctx); err != nil {
		return err
	}
	if !wait.Until(ctx, a.o.Patience, func() bool { return a.ready(crews) }) {
		for _, c := range crews {
			if n := c.fleet.Ready(); n < c.fleet.Options().Miners {
				a.breach("restart: only %d of %d miners of %s are back at work after %v; the last trouble: %s", n, c.fleet.Options().Miners, c.user, a.o.Patience, c.fleet.Books().LastTrouble())
			}
		}
		return ctx.Err()
	}
	a.fig.RestartSeconds = time.Since(start).Seconds()
	going := a.watch(crews)
	if err := a.known(ctx, crews); err != nil {
		return err
	}
	if err := wait.For(ctx, a.o.Calm); err != nil {
		return err
	}
	going("after the restart")
	return nil
}

func (a *accounts) ready(crews []*crew) bool {
	return !slices.ContainsFunc(crews, func(c *crew) bool { return c.fleet.Ready() < c.fleet.Options().Miners })
}

// known checks that the proxy knows exactly these accounts, under their names, both
// before and after they are registered again.
func (a *accounts) known(ctx context.Context, crews []*crew) error {
	for _, again := range []bool{false, true} {
		for _, c := range crews {
			if !again {
				break
			}
			name, err := a.api.Register(ctx, c.registration())
			if err != nil {
				return err
			}
			if name != c.name {
				a.breach("restart: %s is registered as %s, and was as %s", c.user, name, c.name)
			}
		}
		users, err := a.api.Users(ctx)
		if err != nil {
			return err
		}
		if len(users) != len(crews) {
			a.breach("restart: %d accounts are registered, want %d (registered again: %v)", len(users), len(crews), again)
		}
		for _, c := range crews {
			if !slices.ContainsFunc(users, func(u api.User) bool {
				return u.Name == c.name && u.User == c.user && u.Pool == c.pool.Addr()
			}) {
				a.breach("restart: account %s of %s at %s is not registered", c.name, c.user, c.pool.Addr())
			}
		}
	}
	pools, err := a.api.Pools(ctx)
	if err != nil {
		return err
	}
	for _, c := range crews {
		n := 0
		for _, p := range pools {
			if p.Pool == c.pool.Addr() && p.Algorithm == c.pool.Options().Algorithm.Name && p.Workers == c.workers() {
				n++
			}
		}
		if n != 1 {
			a.breach("restart: pool %s is registered %d times with algorithm %s and workers %s, want once", c.pool.Addr(), n, c.pool.Options().Algorithm.Name, c.workers())
		}
	}
	return nil
}
