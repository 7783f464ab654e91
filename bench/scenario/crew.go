package scenario

import (
	"fmt"
	"slices"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/figure"
	"farmproxy/bench/fleet"
	"farmproxy/bench/judge"
	"farmproxy/bench/pool"
)

// crew is one account, its pool, and the miners that log in under it.
type crew struct {
	pool  *pool.Pool
	user  string // the pool's name for it
	pass  bool   // the pool sees each worker: user.worker
	name  string // of the account, assigned by the proxy
	fleet *fleet.Fleet
	rate  float64 // shares per second
	cuts  []cut
	gone  bool // its account was deleted
	lost  int  // connections lost when the proxy was killed

	from time.Time // start of the proxy's statistics
	fig  CrewFigures
}

// CrewFigures is one row of the accounts' table.
type CrewFigures struct {
	User        string  `json:"user"` // at the pool
	Account     string  `json:"account"`
	Algorithm   string  `json:"algorithm"`
	Extranonce2 int     `json:"extranonce2_size"`
	Workers     string  `json:"workers"` // aggregate or pass
	Miners      int     `json:"miners"`
	Accepted    int     `json:"accepted"` // shares, as the miners were told
	FleetRate   float64 `json:"fleet_hashrate"`
	ProxyRate   float64 `json:"proxy_hashrate"`
	Off         float64 `json:"hashrate_off"`        // of the account, a fraction
	WorkersOff  float64 `json:"worker_hashrate_off"` // of the worst worker
}

// Workers modes, as in the API.
const (
	workersAggregate = "aggregate"
	workersPass      = "pass"
)

func (c *crew) workers() string {
	if c.pass {
		return workersPass
	}
	return workersAggregate
}

func (c *crew) registration() api.Registration {
	return api.Registration{Pool: c.pool.Addr(), User: c.user, Password: "secret of " + c.user}
}

// userOf returns the name under which the pool must book a miner's shares.
func (c *crew) userOf(miner int) string {
	if c.pass {
		return c.user + c.fleet.Name(miner)[len(c.name):]
	}
	return c.user
}

// turnedAway returns how many miners were refused a login.
func (c *crew) turnedAway() (n int) {
	for i := range c.fleet.Options().Miners {
		if c.fleet.Books().Miner(i).Refusals > 0 {
			n++
		}
	}
	return n
}

// at starts or ends the load.
func (c *crew) at(work bool) {
	rate := 0.0
	if work && !c.gone {
		rate = c.rate
	}
	c.fleet.SetRate(rate)
}

// cut is a period in which miners were meant to lose their connections.
type cut struct {
	at  time.Time
	why string
}

// cutOff returns why a share has no answer, or "": it was in flight when its connection
// was cut, or sent before its miner noticed.
func (c *crew) cutOff(s fleet.Share, flight time.Duration) string { return cutOff(c.cuts, s, flight) }

func cutOff(cuts []cut, s fleet.Share, flight time.Duration) string {
	for _, cut := range cuts {
		if s.Sent.Sub(cut.at).Abs() <= flight {
			return cut.why
		}
	}
	return ""
}

// reconcile compares the shares of all crews at one pool with its books.
func reconcile(pool *pool.Pool, crews []*crew, flight time.Duration) (judge.Reconciled, error) {
	// Miners are numbered consecutively across all crews.
	var shares []fleet.Share
	var owner []*crew
	var first []int
	for _, c := range crews {
		if c.pool != pool {
			continue
		}
		some, missing := c.fleet.Books().Shares()
		if missing > 0 {
			return judge.NewReconciled(), fmt.Errorf("%d shares of %s are too many to compare one by one; use a lower -rate or -duration", missing, c.user)
		}
		base := len(owner)
		for range c.fleet.Options().Miners {
			owner, first = append(owner, c), append(first, base)
		}
		for _, s := range some {
			s.Miner += base
			shares = append(shares, s)
		}
	}
	return judge.Comparison{
		Shares: shares, Pools: judge.Witnesses(pool), Flight: flight,
		Name:   func(miner int) string { return owner[miner].userOf(miner - first[miner]) },
		CutOff: func(s fleet.Share) string { return owner[s.Miner].cutOff(s, flight) },
	}.Reconcile(), nil
}

// rates is what a crew has done since the proxy's statistics began, according to the
// miners or to the proxy.
type rates struct {
	accepted int
	work     float64 // in shares of difficulty 1
	hashRate float64
	atPool   struct { // of these, accepted by the pool: those that met its difficulty
		accepted int
		work     float64 // at its difficulty
	}
	workers map[string]rates // by login name
}

// The proxy's rule for hash rates: the work accepted over the last rateWindow, or since
// the miner connected if that is shorter, but over at least rateLeast. Times are in
// whole seconds.
const (
	rateWindow = 5 * time.Minute
	rateLeast  = 30 * time.Second
)

// rates returns the fleet's rates at now, by the proxy's rule.
func (c *crew) rates(now time.Time) rates { return c.ratesSince(now, c.fleet.Since) }

// ratesSince is rates for miners that connected at the times of since.
func (c *crew) ratesSince(now time.Time, since func(miner int) time.Time) rates {
	shares, _ := c.fleet.Books().Shares()
	done := make([]rates, c.fleet.Options().Miners)
	recent := make([]float64, c.fleet.Options().Miners)
	all := rates{workers: make(map[string]rates, len(done))}
	atPool := c.pool.Options().Algorithm.One(c.pool.HardestDifficulty())
	for _, s := range shares {
		if !s.Accepted() || s.Answered.Before(c.from) {
			continue
		}
		done[s.Miner].accepted++
		done[s.Miner].work += s.Work
		if s.Hash.Difficulty() >= atPool {
			all.atPool.accepted++
			all.atPool.work += atPool
		}
		if now.Sub(s.Answered) <= rateWindow {
			recent[s.Miner] += s.Work
		}
	}
	first, sum := now, 0.0
	for i, one := range done {
		came := since(i)
		if came.Before(first) {
			first = came
		}
		one.hashRate = overWindow(recent[i], now, came)
		all.workers[c.fleet.Name(i)] = one
		all.accepted += one.accepted
		all.work += one.work
		sum += recent[i]
	}
	all.hashRate = overWindow(sum, now, first)
	return all
}

// overWindow returns the hash rate of work that began at since.
func overWindow(work float64, now, since time.Time) float64 {
	age := min(max(now.Sub(since.Truncate(time.Second)), rateLeast), rateWindow)
	return work * (1 << 32) / age.Seconds()
}

// off returns the fraction by which b differs from a.
func off(a, b float64) float64 {
	if a == b {
		return 0
	}
	return max(a, b)/max(min(a, b), 1e-300) - 1
}

// status describes all crews on one line.
func status(crews []*crew) string {
	var ready, miners, sent, accepted, refused, pending int
	var p99 time.Duration
	for _, c := range crews {
		if c.fleet == nil {
			continue
		}
		n := c.fleet.Books().Total()
		ready, miners = ready+c.fleet.Ready(), miners+c.fleet.Options().Miners
		sent, accepted, refused = sent+n.Submits, accepted+n.Accepted, refused+n.Refused
		pending += c.fleet.Pending()
		p99 = max(p99, c.fleet.Books().RoundTrip(0.99))
	}
	return fmt.Sprintf("%d of %d miners at work, %d shares sent: %d accepted, %d refused, %d pending; round trip 99%% %s",
		ready, miners, sent, accepted, refused, pending, figure.Short(p99))
}

// without returns the crews except one.
func without(crews []*crew, one *crew) []*crew {
	return slices.DeleteFunc(slices.Clone(crews), func(c *crew) bool { return c == one })
}
