package proxy

import (
	"testing"

	"farmproxy/bench/fleet"
	"farmproxy/config"
)

// After a failover the books have workers, miners and hash rate at the pool where they work
// now: those of agents too.
func TestWorkersAreWhereTheirPoolIs(t *testing.T) {
	t.Parallel()
	for name, behind := range map[string]int{"miners": 0, "agents": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := startPool(t, nil), startPool(t, nil)
			p, address := startProxy(t, func(c *config.Config) { c.Failover.ReturnAfter = 0 }, nil, first, second)
			linked(t, p)
			o := fleet.DefaultOptions(address)
			o.Miners, o.Rate, o.Behind = 12, 50, behind
			connectFleet(t, o)
			at := func(name, other string) func() bool {
				return func() bool {
					return p.book.PoolTotal(name).Miners == 12 && p.book.PoolTotal(other).Miners == 0
				}
			}
			eventually(t, "all are at the first pool", at("pool0", "pool1"))
			first.Close()
			eventually(t, "all are at the second pool", at("pool1", "pool0"))
			eventually(t, "its hash rate is theirs", func() bool { return p.book.PoolTotal("pool1").HashRate > 0 })
		})
	}
}
