package scenario

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/figure"
	"farmproxy/bench/judge"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
)

// mostOff is the fraction by which a hash rate may differ from the fleet's own.
const mostOff = 0.05

// predecessorHash returns the algorithm's name in the account proxy's series.
func predecessorHash(c *crew) string {
	if c.pool.Options().Algorithm == proof.SHA256d {
		return "sha256"
	}
	return c.pool.Options().Algorithm.Name
}

// compare ends the load, waits for the last verdicts, and compares the proxy's counters
// with the fleets' books.
func (a *accounts) compare(ctx context.Context) error {
	a.say("comparing hash rates")
	a.at(false)
	limited, cancel := context.WithTimeout(ctx, a.o.Patience)
	defer cancel()
	crews := without(a.crews, a.leaver)
	for _, c := range crews {
		if err := c.fleet.Settle(limited); err != nil && ctx.Err() == nil {
			a.breach("%d shares of %s have no answer after %v", c.fleet.Pending(), c.user, a.o.Patience)
		}
	}
	pools, err := a.api.Pools(ctx)
	if err != nil {
		return err
	}
	for _, c := range crews {
		if err := a.compareCrew(ctx, c); err != nil {
			return err
		}
		if !c.from.IsZero() { // each pool has one account since the restart
			a.comparePool(c, pools)
		}
	}
	return nil
}

// comparePool compares a pool that has only one account.
func (a *accounts) comparePool(c *crew, pools []api.Pool) {
	fleet := c.rates(time.Now())
	for _, p := range pools {
		if p.Pool == c.pool.Addr() && (p.Accepted != fleet.accepted || off(p.Work, fleet.work) > 1e-6) {
			a.breach("pool %s has %d accepted shares and %g work, its account %d and %g", c.pool.Options().Name, p.Accepted, p.Work, fleet.accepted, fleet.work)
		}
	}
}

func (a *accounts) compareCrew(ctx context.Context, c *crew) error {
	now := time.Now()
	fleet := c.rates(now)
	account, err := a.accountRates(ctx, c)
	if err != nil {
		return err
	}
	c.fig.FleetRate, c.fig.ProxyRate = fleet.hashRate, account.hashRate
	c.fig.Off = max(c.fig.Off, sameRates(a.breach, "account "+c.user, fleet, account))
	var summed rates
	few, more := firstFew(a.breach)
	for name, has := range account.workers {
		summed.accepted += has.accepted
		if _, ours := fleet.workers[name]; !ours {
			few("worker %s of %s: no such miner", name, c.user)
		}
	}
	if summed.accepted != account.accepted {
		a.breach("account %s has %d accepted shares, its workers %d", c.user, account.accepted, summed.accepted)
	}
	for _, name := range slices.Sorted(maps.Keys(fleet.workers)) {
		has, there := account.workers[name]
		if !there {
			few("worker %s of %s is not among the workers of its account", name, c.user)
			continue
		}
		c.fig.WorkersOff = max(c.fig.WorkersOff, sameRates(few, "worker "+name+" of "+c.user, fleet.workers[name], has))
	}
	more("breaches of workers of %s", c.user)
	exposed, err := a.predecessorRates(ctx, c)
	if err != nil {
		return err
	}
	// The series count what the pool saw. Their speeds are the miners': each has its
	// own window.
	fleet.accepted, fleet.work, fleet.hashRate = fleet.atPool.accepted, fleet.atPool.work, 0
	for _, one := range fleet.workers {
		fleet.hashRate += one.hashRate
	}
	sameRates(a.breach, "series proxy_worker_... of "+c.user, fleet, exposed)
	return nil
}

// firstFew reports only the first breaches, and at the end how many more there were: a
// thousand workers would all say the same.
func firstFew(breach func(string, ...any)) (few, more func(format string, args ...any)) {
	n := 0
	few = func(format string, args ...any) {
		if n++; n <= judge.ExamplesEach {
			breach(format, args...)
		}
	}
	more = func(format string, args ...any) {
		if n > judge.ExamplesEach {
			breach("... and %d more "+format, append([]any{n - judge.ExamplesEach}, args...)...)
		}
	}
	return few, more
}

// sameRates reports differences, and returns by how much the hash rates differ.
func sameRates(breach func(string, ...any), whose string, fleet, proxy rates) float64 {
	if fleet.accepted != proxy.accepted {
		breach("%s: the proxy counts %d accepted shares, the fleet %d", whose, proxy.accepted, fleet.accepted)
	}
	if off(fleet.work, proxy.work) > 1e-6 {
		breach("%s: the proxy counts %g work, the fleet %g", whose, proxy.work, fleet.work)
	}
	d := off(fleet.hashRate, proxy.hashRate)
	if d > mostOff {
		breach("%s: the proxy says %s, the fleet did %s", whose, figure.HashRate(proxy.hashRate), figure.HashRate(fleet.hashRate))
	}
	return d
}

// accountRates returns the API's figures for an account and its workers.
func (a *accounts) accountRates(ctx context.Context, c *crew) (r rates, err error) {
	u, err := a.api.User(ctx, c.name)
	if err != nil {
		return r, err
	}
	workers, err := a.api.Workers(ctx, c.name)
	if err != nil {
		return r, err
	}
	r = rates{accepted: u.Accepted, work: u.Work, hashRate: u.HashRate, workers: map[string]rates{}}
	few, more := firstFew(a.breach)
	for _, w := range workers {
		if w.User != c.name || w.Pool != c.pool.Addr() || w.Algorithm != c.pool.Options().Algorithm.Name {
			few("worker %s of %s: it mines %s at %s for %s, says the proxy", w.Name, c.user, w.Algorithm, w.Pool, w.User)
		}
		r.workers[w.Name] = rates{accepted: w.Accepted, work: w.Work, hashRate: w.HashRate}
	}
	more("workers of %s", c.user)
	return r, nil
}

// predecessorRates returns the account proxy's series for an account's miners, and
// reports if there are too few.
func (a *accounts) predecessorRates(ctx context.Context, c *crew) (r rates, err error) {
	all, err := a.api.Series(ctx, "proxy_")
	if err != nil {
		return r, err
	}
	labels := []string{"user", c.name, "hash", predecessorHash(c), "pool", c.pool.Addr()}
	accepted, n := api.Sum(all, "proxy_worker_accepted", labels...)
	r.accepted = int(accepted)
	r.work, _ = api.Sum(all, "proxy_worker_one_accepted", labels...)
	r.hashRate, _ = api.Sum(all, "proxy_worker_speed", labels...)
	up, _ := api.Sum(all, "proxy_worker_up", "user", c.name)
	if n != c.fleet.Options().Miners || int(up) != c.fleet.Options().Miners {
		a.breach("series of %s: %d miners, %v up, want %d", c.user, n, up, c.fleet.Options().Miners)
	}
	if sent, _ := api.Sum(all, "proxy_worker_sended", labels...); sent < accepted {
		a.breach("series of %s: %v shares accepted, only %v sent", c.user, accepted, sent)
	}
	divider, pools := api.Sum(all, "proxy_pool_divider", "hash", predecessorHash(c), "pool", c.pool.Addr())
	if pools != 1 || divider != c.pool.Options().Algorithm.Divider {
		a.breach("series proxy_pool_divider of pool %s: %d with %v, want one with %v", c.pool.Options().Name, pools, divider, c.pool.Options().Algorithm.Divider)
	}
	return r, nil
}

// judge compares the books of all crews and pools.
func (a *accounts) judge(out *Outcome, complete bool) {
	out.Fleet.Reasons = map[string]int{}
	for _, c := range a.crews {
		n := c.fleet.Books().Total()
		out.Fleet.Add(n)
		if n.Garbage > 0 || n.Reconnects > 0 {
			a.breach("%s: %d lines that no miner understands, %d miners told to reconnect; the last: %s", c.user, n.Garbage, n.Reconnects, c.fleet.Books().LastTrouble())
		}
		if late := n.Disconnects - c.lost; complete && !c.gone && late > 0 {
			a.breach("%s: %d disconnects after the proxy was back; the last: %s", c.user, late, c.fleet.Books().LastTrouble())
		}
		c.fig.User, c.fig.Account, c.fig.Workers = c.user, c.name, c.workers()
		c.fig.Algorithm, c.fig.Extranonce2 = c.pool.Options().Algorithm.Name, c.pool.Options().Extranonce2Size
		c.fig.Miners, c.fig.Accepted = c.fleet.Options().Miners, n.Accepted
		out.Crews = append(out.Crews, c.fig)
	}
	if !complete {
		return
	}
	books := judge.NewReconciled()
	for _, p := range a.pools {
		r, err := reconcile(p, a.crews, a.o.Flight)
		if err != nil {
			a.breach("%v", err)
			continue
		}
		books.Add(r)
		a.judgeUsers(p)
	}
	out.Books = &books
}

// judgeUsers looks for names in a pool's books that belong to none of its accounts.
func (a *accounts) judgeUsers(p *pool.Pool) {
	var users []string
	for _, c := range a.crews {
		if c.pool == p {
			users = append(users, c.user)
		}
	}
	few, more := firstFew(a.breach)
	for name, tally := range p.Books().Users() {
		user, _, _ := strings.Cut(name, ".")
		if !slices.Contains(users, user) {
			few("pool %s has shares of %q on its books: %d accepted, refused %s", p.Options().Name, name, tally.Accepted, figure.Counts(tally.Refused))
		}
	}
	more("names on the books of pool %s", p.Options().Name)
}

// printCrews prints the table of accounts.
func (out *Outcome) printCrews(row func(cells ...string)) {
	row("user at the pool", "algorithm", "extranonce2", "miners", "accepted", "hash rate, fleet", "proxy", "off", "worst worker")
	for _, c := range out.Crews {
		row(c.User, c.Algorithm, fmt.Sprint(c.Extranonce2), fmt.Sprint(c.Miners), fmt.Sprint(c.Accepted),
			figure.HashRate(c.FleetRate), figure.HashRate(c.ProxyRate), figure.Percent(c.Off), figure.Percent(c.WorkersOff))
	}
}
