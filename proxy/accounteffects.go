package proxy

import (
	"context"
	"slices"
	"strings"

	"farmproxy/balance"
	"farmproxy/config"
	"farmproxy/plain"
	"farmproxy/store"
	"farmproxy/upstream"
	"farmproxy/wish"
)

// accounting is a change of an account of the store: what it is before and after, and what
// runs. All that is said of what such changes do is said here.
type accounting struct {
	facts
	sentences
	known         known
	before, after *store.Account // nil: there is none
	was, is       upstream.Entry // what they make
	left          map[string]wish.PoolState
	pins          map[string]string // of the account's route
}

// accountEffects says in words what a change of an account would do.
func (p *proxy) accountEffects(ctx context.Context, before, after *store.Account) ([]string, error) {
	end, err := p.orders.rehearse(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	c := accounting{facts: p.facts(), known: p.orders.known, before: before, after: after}
	if before != nil && after != nil {
		entries := p.tables.entries(before, after)
		c.was, c.is = entries[0], entries[1]
	}
	p.orders.view(func(all *wish.Orders) {
		c.left = all.Pools(p.orders.now())
		if before != nil {
			c.pins = all.Pins(accountRoute+before.Name, p.orders.now())
		}
	})
	err = c.tell(ctx)
	return c.said, err
}

func (c *accounting) tell(ctx context.Context) error {
	switch {
	case c.before == nil:
		c.say("%s at %s is a new account: farmproxy gives it a name, with which its miners log in.", c.after.User, c.after.Pool)
		c.say("%s is not asked about it now: farmproxy connects to it when the first of its miners comes.", c.after.Pool)
		c.say("No miner is disconnected.")
	case c.after == nil:
		c.ofEnd()
	default:
		return c.ofChange(ctx)
	}
	return nil
}

// miners are how many the account has.
func (c *accounting) miners() (n int) {
	for key, miners := range c.goals {
		if key.route == accountRoute+c.before.Name {
			n += miners
		}
	}
	return n
}

// ofEnd is about an account that is deleted.
func (c *accounting) ofEnd() {
	name, n := c.before.Name, c.miners()
	others := len(c.config.Pools) > 0
	switch {
	case n == 0:
		c.say("No miner of account %s is connected.", name)
	case others:
		c.say("%s of account %s: %s, as everybody whose login is no account's, each by a clean job%s.", plain.Several(n, "miner"), name, c.elsewhere(), onItsOwn)
	default:
		c.say("%s.", minersDo(n, "of account "+name+" is disconnected", "of account "+name+" are disconnected"))
	}
	switch {
	case !others:
		c.say("Nobody can log in with %s any more.", name)
	case n == 0:
		c.say("Whoever logs in with %s then: %s, as everybody whose login is no account's.", name, c.elsewhere())
	}
	if slices.Contains(c.given, accountRoute+name) {
		c.say("The weights that are ordered for it change nothing then.")
	}
	c.say("farmproxy forgets its password. If %s at %s is registered again, it gets another name.", c.before.User, c.before.Pool)
}

// onItsOwn is how a miner goes to another goal, of which it is not known yet whether it fits.
const onItsOwn = " on the connection that it has, or on a new one where its extranonce does not fit"

// elsewhere says where miners work whose login is no account's.
func (c *accounting) elsewhere() string {
	to := "to " + strings.Join(poolNames(c.config), " or ")
	if c.config.Accounts.MultiUser {
		to += " as user " + c.before.Name
	}
	return to
}

// ofChange is about another password, or other goals.
func (c *accounting) ofChange(ctx context.Context) error {
	name := c.before.Name
	asked := c.before.Asked(c.after)
	was, is := divisionOf(c.before), divisionOf(c.after)
	switch again := slices.EqualFunc(c.before.Goals, c.after.Goals, sameGoal); {
	case again && len(asked) == 0:
		c.say("Nothing changes: the work of account %s is divided so already: %s.", name, is)
		return nil
	case again && len(c.before.Goals) == 0:
		c.say("%s at %s is account %s already, and keeps its name.", c.before.User, c.before.Pool, name)
	case again:
		c.say("The work of account %s is divided as before: %s.", name, is)
	default:
		c.say("The work of account %s is divided otherwise: %s. So far: %s.", name, is, was)
	}
	for _, a := range asked {
		if a.Unless {
			c.say("If the password that is given for %s is another one: %s is asked first whether it lets %s in with it, and nothing changes if it does not.", a.User, a.Pool, a.User)
		} else {
			c.say("%s is asked first whether it lets %s in, and nothing changes if it does not.", a.Pool, a.User)
		}
	}
	if c.miners() == 0 {
		c.say("No miner of it is connected: those that come work so.")
		return nil
	}
	origins := upstream.Origins(c.was.Goals, c.is.Goals)
	alone := false
	for i := range c.was.Goals {
		alone = c.ofGoal(i, slices.Index(origins, i)) || alone
	}
	if err := c.ofWeights(ctx, origins); err != nil {
		return err
	}
	if !alone {
		c.say("No miner is disconnected.")
	}
	return nil
}

// sameGoal reports that goals are called, weighed and lead the same.
func sameGoal(g, h store.Goal) bool {
	return g.Name == h.Name && g.Weight == h.Weight &&
		slices.EqualFunc(g.Pools, h.Pools, func(p, q store.GoalPool) bool { return p.Pool == q.Pool && p.User == q.User })
}

// divisionOf says how the work of an account is divided.
func divisionOf(a *store.Account) string {
	if len(a.Goals) == 0 {
		return "all to " + a.Pool
	}
	sum := 0.0
	for _, g := range a.Goals {
		sum += g.Weight
	}
	said := make([]string, len(a.Goals))
	for i, g := range a.Goals {
		pools := make([]string, len(g.Pools))
		for j, p := range g.Pools {
			if pools[j] = p.Pool; p.User != "" && p.User != a.User {
				pools[j] += " as " + p.User
			}
		}
		said[i] = g.Name + " " + percent(g.Weight/sum) + " to " + strings.Join(pools, ", then ")
	}
	return strings.Join(said, "; ")
}

// ofGoal is about the miners of a goal that goes on as another one; below 0: as none. It
// reports whether nobody may be there.
func (c *accounting) ofGoal(from, to int) (alone bool) {
	was := &c.was.Goals[from]
	g := c.use(was)
	if g == nil || g.miners == 0 {
		return false
	}
	who := plain.Several(g.miners, "miner")
	if was.Name != "" {
		who += " of goal " + was.Name
	}
	if to < 0 {
		c.say("%s: each gets a clean job of another goal at once,%s.", who, onItsOwn)
		return true
	}
	now, next := g.now(), c.serving(g, &c.is.Goals[to])
	switch {
	case next == nil:
		c.say("No pool is known to work for %s: they stay connected for failover.hold (%s), and are disconnected then.", who, c.config.Failover.Hold.String())
		return true
	case now == "":
		c.say("To %s: %s without a pool, as soon as it gives a job.", next.Name, who)
	case now == next.Name:
		c.anew(was, next, who)
	case slices.ContainsFunc(c.is.Goals[to].Pools, func(p upstream.Pool) bool { return p.Name == now }):
		c.say("From %s to %s: %s, each by a clean job, once %s has been healthy for failover.return_after (%s).", now, next.Name, who, next.Name, config.Short(c.config.Failover.ReturnAfter))
	default:
		c.say("From %s to %s: %s, each by a clean job once %s gives one.", now, next.Name, who, next.Name)
	}
	return false
}

// use returns what is known of a goal of the account; nil: it is not in use.
func (c *accounting) use(g *upstream.GoalEntry) *goalFacts {
	for i := range c.inUse {
		if c.inUse[i].goalKey == (goalKey{accountRoute + c.before.Name, g.Name}) {
			return &c.inUse[i]
		}
	}
	return nil
}

// serving returns the pool of a goal that is to come for which the miners of one in use work
// then; nil: none is known to work. A pool that the goal has not had so far is taken to work:
// it is asked before.
func (c *accounting) serving(g *goalFacts, next *upstream.GoalEntry) *upstream.Pool {
	for i := range next.Pools {
		p := &next.Pools[i]
		_, left := c.left[p.Name]
		if at := g.place(p.Name); !left && (at < 0 || g.pools[at].Able || g.pools[at].Serves) {
			return p
		}
	}
	return nil
}

// anew is about miners that stay at a pool, whose link may need other credentials.
func (c *accounting) anew(was *upstream.GoalEntry, next *upstream.Pool, who string) {
	user, whole := false, false
	for i := range was.Pools {
		if p := &was.Pools[i]; p.Name == next.Name && p.User == next.User {
			user, whole = true, whole || p.Password == next.Password
		}
	}
	switch {
	case whole:
		c.say("%s: each stays on its link to %s.", who, next.Name)
	case user:
		c.say("%s: each gets a clean job once a new link to %s is up, with another password.", who, next.Name)
	default:
		c.say("%s: each gets a clean job once a link to %s as %s is up.", who, next.Name, next.User)
	}
}

// ofWeights is about miners that move since goals have other parts.
func (c *accounting) ofWeights(ctx context.Context, origins []int) error {
	route := accountRoute + c.before.Name
	if len(c.is.Goals) < 2 {
		return nil
	}
	if slices.Contains(c.given, route) {
		c.say("Other weights are ordered for route %s now: they hold until the order ends or is taken back.", route)
		return nil
	}
	known := len(c.was.Goals) == len(c.is.Goals)
	for i, from := range origins {
		known = known && from == i
	}
	if !known {
		c.say("Within minutes its miners are divided so, each by a clean job on the connection that it has.")
		return nil
	}
	weights, works := make([]wish.Weight, len(c.is.Goals)), make(map[string]bool)
	for i := range c.is.Goals {
		g := &c.is.Goals[i]
		weights[i] = wish.Weight{Goal: g.Name, Weight: g.Weight}
		at := c.use(&c.was.Goals[i])
		works[g.Name] = at == nil || c.serving(at, g) != nil
	}
	wanted := make([]balance.Goal, len(weights))
	for i, fraction := range wish.Fractions(weights, func(goal string) bool { return works[goal] }) {
		wanted[i] = balance.Goal{Wish: fraction, Open: works[weights[i].Goal]}
	}
	f, err := c.known.flows(ctx, route, wanted, c.pins)
	if err == nil {
		c.flow(f)
	}
	return err
}
