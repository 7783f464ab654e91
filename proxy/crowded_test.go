package proxy

import (
	"testing"

	"farmproxy/bench/fleet"
	"farmproxy/config"
)

// An address where many have come that don't work, and then some that do: their hash rate
// gets them their links, though not one of the others gives way.
func TestWhoWorksIsNotKeptOutByNeighbours(t *testing.T) {
	t.Parallel()
	const idle = 100
	for _, c := range []struct {
		name  string
		hello func(m *miner, i int)
		agent int // the honest ones are behind so many
	}{
		{"users", func(m *miner, i int) {
			m.send(`{"id":1,"method":"mining.subscribe","params":["x"]}`)
			m.send(`{"id":2,"method":"mining.authorize","params":["invented%d","x"]}`, i)
		}, 0},
		{"agents", func(m *miner, i int) {
			m.send(`{"id":1,"method":"agent.get_capabilities","params":[]}`)
			m.send(`{"id":2,"method":"mining.subscribe","params":["btccom-agent/2.0"]}`)
			m.send(`{"id":3,"method":"mining.authorize","params":["invented%d","x"]}`, i)
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pool := startPool(t, nil)
			_, address := startProxy(t, func(cfg *config.Config) { cfg.Accounts.MultiUser = c.agent == 0 }, nil, pool)
			for i := range idle {
				m := connect(t, address)
				c.hello(m, i)
				m.answer(2)
			}
			o := fleet.DefaultOptions(address)
			o.Miners, o.Behind, o.Rate, o.Account = 3, c.agent, 50, "ann"
			f := connectFleet(t, o)
			eventually(t, "the pool has their shares", func() bool { return pool.Books().Total().Accepted > 20 })
			if n := pool.Opened(); n > 2*idle/3+3 {
				t.Errorf("the pool has seen %d links", n)
			}
			if b := f.Books().Total(); c.agent == 0 && b.Disconnects > 0 || b.Disconnects > o.Miners {
				t.Errorf("they were disconnected %d times", b.Disconnects)
			}
		})
	}
}
