package proxy

import (
	"fmt"
	"testing"
	"time"

	"farmproxy/api"
	"farmproxy/bench/fleet"
	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
)

// pools gives the proxy another list of pools, as another configuration would.
func (p *proxy) pools(t *testing.T, user string, pools ...*benchpool.Pool) {
	t.Helper()
	c := config.Config{}
	for _, pool := range pools {
		c.Pools = append(c.Pools, config.Pool{Name: pool.Addr(), URL: "stratum+tcp://" + pool.Addr(), User: user, Password: "x", Workers: config.WorkersAggregate, Links: 1, Algorithm: "sha256d", Mode: config.ModeAggregate})
	}
	others, err := p.tables.tls.others(&c)
	if err != nil {
		t.Fatal(err)
	}
	p.tables.change(func(t *table) { t.others = others })
}

// Pools come and go, and change places and credentials, under a working fleet: no miner
// is disconnected, no share is lost, and every miner affected has a job of the new
// pool.
func TestOtherPoolsUnderAWorkingFleet(t *testing.T) {
	t.Parallel()
	one, two, three := startPool(t, nil), startPool(t, nil), startPool(t, nil)
	p, address := startProxy(t, func(c *config.Config) { c.Failover.ReturnAfter = time.Millisecond }, nil)
	p.pools(t, "farm", one)
	o := fleet.DefaultOptions(address)
	o.Miners, o.Rate = 20, 200
	f := connectFleet(t, o)
	more := func(what string, pool *benchpool.Pool) {
		t.Helper()
		before := pool.Books().Total().Accepted
		eventually(t, fmt.Sprint("shares go where they belong: ", what), func() bool { return pool.Books().Total().Accepted > before+50 })
	}
	more("at the start", one)
	p.pools(t, "farm", one, two)
	more("with a backup", one)
	p.pools(t, "farm", two, one)
	more("in another order", two)
	p.pools(t, "other", two, one)
	more("under another user", two)
	p.pools(t, "other", one)
	more("without the pool that served", one)
	if b := f.Books().Total(); b.Refused > 0 {
		t.Errorf("%d shares were refused: %v", b.Refused, b.Reasons)
	}
	p.pools(t, "farm", three)
	more("none of the pools is left", three)
	if b := f.Books().Total(); b.Disconnects > 0 || b.Garbage > 0 || p.opened() != uint64(o.Miners) {
		t.Errorf("%d miners were disconnected, %d connections in all, %d lines of garbage; %s", b.Disconnects, p.opened(), b.Garbage, f.Books().LastTrouble())
	}
}

// While a new process takes over, the directory stands still, and what changes the table of
// accounts waits. Whoever looks at the orders meanwhile must not: the hand-over needs them too,
// and all miners would wait for it for ever.
func TestOrdersAreReadWhileATableWaitsForAnUpgrade(t *testing.T) {
	t.Parallel()
	p, _ := startProxy(t, nil, nil, startPool(t, nil))
	if _, err := (desk{p.orders}).Leave("anna", "pool0", api.Drain, api.Term{}); err != nil {
		t.Fatal(err)
	}
	p.directory.Freeze()
	defer p.directory.Thaw()
	waits := make(chan struct{})
	go p.tables.change(func(*table) { close(waits) })
	<-waits
	read := make(chan []api.Order, 1)
	go func() { read <- desk{p.orders}.Orders() }()
	select {
	case list := <-read:
		if len(list) != 1 || !list[0].Effective {
			t.Errorf("the orders are %v", list)
		}
	case <-time.After(patience):
		t.Error("the orders can't be read, and not handed over")
	}
}
