package proxy

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"farmproxy/config"
	"farmproxy/plain"
	"farmproxy/wish"
)

// way is a change of pools.
type way struct {
	from, to string // "": none
	later    bool   // once the other has been healthy for long
}

// ways are what becomes of the miners of a pool that is left alone, or used again.
type ways struct {
	moves   map[way]int
	awaited int       // that go to the pool once it is known to work
	stuck   int       // that have no other pool
	routes  []string  // that are divided otherwise, since a goal opens or closes
	goals   []goalKey // that open once the pool is known to work
}

// ofPool is about a pool that is left alone, or used again.
func (c *ordering) ofPool(ctx context.Context, pool string, was, is *wish.Order) error {
	w := c.ways(pool)
	order := func(a, b way) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) }
	returned := "failover.return_after (" + config.Short(c.config.Failover.ReturnAfter) + ")"
	for _, v := range slices.SortedFunc(maps.Keys(w.moves), order) {
		who := plain.Several(w.moves[v], "miner")
		switch {
		case v.from == v.to:
			c.say("%s at %s, for want of another pool.", minersDo(w.moves[v], "has stayed", "have stayed"), v.to)
		case v.from == "":
			c.say("To %s: %s without a pool, as soon as it gives a job.", v.to, who)
		case v.later:
			c.say("From %s to %s: %s, each by a clean job, once %s has been healthy for %s.", v.from, v.to, who, v.to, returned)
		default:
			c.say("From %s to %s: %s, each by a clean job on the connection that it has.", v.from, v.to, who)
		}
	}
	if w.awaited > 0 {
		c.say("%s is not known to work: farmproxy connects to it, and %s to it once it has been healthy for %s.", pool, minersDo(w.awaited, "goes", "go"), returned)
	}
	for _, g := range w.goals {
		c.say("%s is not known to work: farmproxy connects to it, and once it works, goal %s of route %s gets its part again.", pool, g.goal, g.route)
	}
	stuck := w.stuck
	for _, name := range w.routes {
		r, there := c.known.route(name)
		if !there {
			continue // the configuration is changing
		}
		left, err := c.divides(ctx, &r)
		if err != nil {
			return err
		}
		for _, n := range left {
			stuck += n
		}
	}
	if len(w.moves)+len(w.routes)+len(w.goals)+w.awaited+stuck == 0 {
		c.say("No miner changes its pool.")
	}
	held := c.leaves(pool, stuck)
	c.undoes(was, is)
	if is != nil {
		then := pool + " is used as configured again"
		if len(w.routes) > 0 {
			then += ", and its goals get their parts"
		} else {
			then += ", and whoever prefers it goes back once it has been healthy for " + returned
		}
		c.ends(is.Until, then)
	}
	if !held {
		c.say("No miner is disconnected.")
	}
	return nil
}

// leaves says what becomes of a pool that is left alone, and of those that have no other. It
// reports whether these may be disconnected.
func (c *ordering) leaves(pool string, stuck int) (held bool) {
	hold := c.config.Failover.Hold
	switch c.after.Pools(c.now)[pool] {
	case wish.Drained:
		if stuck > 0 {
			c.say("No other pool is up for %s: %s goes on to give jobs there until one is.", plain.Several(stuck, "miner"), pool)
		} else {
			c.say("The links to %s end when their last shares have verdicts.", pool)
		}
		c.say("farmproxy goes on looking whether %s works.", pool)
	case wish.Disabled:
		if stuck > 0 && hold.Forever {
			c.say("No other pool is up for %s: they stay connected, on their last job, until one is.", plain.Several(stuck, "miner"))
		} else if stuck > 0 {
			held = true
			c.say("No other pool is up for %s: they stay connected, on their last job, for failover.hold (%s), and are disconnected then.", plain.Several(stuck, "miner"), hold)
		}
		c.say("farmproxy does not connect to %s: its links end when their last shares have verdicts.", pool)
	default:
		c.say("%s is used as configured again.", pool)
	}
	return held
}

// ways counts the miners of a pool, by where they go.
func (c *ordering) ways(pool string) ways {
	w := ways{moves: make(map[way]int)}
	left, will := c.before.Pools(c.now), c.after.Pools(c.now)
	for i := range c.inUse {
		g := &c.inUse[i]
		place := g.place(pool)
		if place < 0 || g.miners == 0 && !g.split {
			continue
		}
		from := g.now()
		before, _ := g.serving(left)
		to, later := g.serving(will)
		switch {
		case g.split && (before == "") != (to == "") && c.opens(g.route, will):
			if !slices.Contains(w.routes, g.route) {
				w.routes = append(w.routes, g.route)
			}
			if to != "" && to != from { // who has waited there, or stayed at another pool of the goal
				w.moves[way{from, to, later}] += g.miners
			}
		case before != to && to == from && to != pool: // nobody goes to the pool that is better
		case before != to && to != "":
			w.moves[way{from, to, later}] += g.miners
		case from == pool && to == "":
			w.stuck += g.miners
		case to == "" && g.split && has(left, pool) && !has(will, pool):
			w.goals = append(w.goals, g.goalKey)
		case to != pool && !g.pools[place].Able && (to == "" || place < g.place(to)) && has(left, pool) && !has(will, pool):
			w.awaited += g.miners
		}
	}
	maps.DeleteFunc(w.moves, func(_ way, n int) bool { return n == 0 })
	return w
}

func has(left map[string]wish.PoolState, pool string) bool { _, there := left[pool]; return there }

// opens reports that a goal of a route works if those pools are left alone.
func (c *ordering) opens(route string, left map[string]wish.PoolState) bool {
	return slices.ContainsFunc(c.inUse, func(g goalFacts) bool { return g.route == route && g.works(left) })
}

// place returns where a pool is in the goal's list; below 0: it is not.
func (g *goalFacts) place(pool string) int {
	for i := range g.pools {
		if g.pools[i].Name == pool {
			return i
		}
	}
	return -1
}
