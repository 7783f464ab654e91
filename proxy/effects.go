package proxy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"farmproxy/config"
	"farmproxy/plain"
	"farmproxy/upstream"
	"farmproxy/wish"
)

// facts are what runs, as far as it decides what a change of pools and routes, or an order,
// does.
type facts struct {
	pools  map[string]poolFacts // by name
	goals  map[goalKey]int      // miners of the goals in use
	given  []string             // routes whose weights are ordered
	inUse  []goalFacts
	config *config.Config
}

// goalFacts are what is known of a goal in use.
type goalFacts struct {
	goalKey
	split  bool
	miners int
	pools  []upstream.GoalPool // the preferred one first
}

type poolFacts struct {
	takes  bool // it is up, and no operator has it left alone
	active bool // miners work for it
	miners int
}

type goalKey struct{ route, goal string }

// facts returns those of now.
func (p *proxy) facts() facts {
	f := facts{pools: make(map[string]poolFacts), goals: make(map[goalKey]int), config: p.running.Load().config}
	desk := desk{p.orders}
	totals := p.book.PoolTotals()
	for _, pool := range p.book.Pools() {
		f.pools[pool.Name] = poolFacts{pool.Up.Load() && desk.PoolOrder(pool.Name) == nil, pool.Active.Load(), totals[pool.Name].Miners}
	}
	for _, g := range p.directory.Goals() {
		key := goalKey{routeName(g.Route().ID()), g.Name()}
		if g.Route().PerUser {
			key.route = g.Route().ID().Route // of which each user has one
		}
		f.goals[key] += g.Members()
		f.inUse = append(f.inUse, goalFacts{key, g.Split(), g.Members(), g.Pools()})
	}
	p.orders.view(func(all *wish.Orders) {
		for _, o := range all.List() {
			if o.Kind == wish.OfWeights {
				f.given = append(f.given, o.Name)
			}
		}
	})
	return f
}

// part is one list of pools, the first of which that works serves miners: a goal of a route,
// or all pools where there are no routes.
type part struct {
	goalKey
	pools    []string
	fraction float64 // of the route's work
}

func partsOf(c *config.Config) (parts []part) {
	if len(c.Routes) == 0 {
		return []part{{pools: poolNames(c), fraction: 1}}
	}
	for i := range c.Routes {
		r, fractions := &c.Routes[i], c.Routes[i].Fractions()
		for j := range r.Goals {
			parts = append(parts, part{goalKey{r.Name, r.Goals[j].Name}, r.Goals[j].Pools, fractions[j]})
		}
	}
	return parts
}

func poolNames(c *config.Config) (names []string) {
	for i := range c.Pools {
		names = append(names, c.Pools[i].Name)
	}
	return names
}

// change is what leads from one configuration to another.
type change struct {
	from, to *config.Config
	facts
	sentences
}

// sentences are what is said of a change, in their order.
type sentences struct{ said []string }

func (s *sentences) say(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

// effects says in words what miners notice of a change of pools and routes.
func effects(from, to *config.Config, f facts) []string {
	c := change{from: from, to: to, facts: f}
	c.ofPools()
	c.ofRoutes()
	alone := false
	for _, p := range partsOf(to) {
		alone = c.ofPart(p) || alone
	}
	if !alone {
		c.say("No miner is disconnected.")
	}
	return c.said
}

// ofPools is about pools that are new, or that are reached otherwise.
func (c *change) ofPools() {
	for i := range c.to.Pools {
		p := &c.to.Pools[i]
		before := c.from.Pool(p.Name)
		switch {
		case before == nil && c.leads(p.Name):
			c.say("%s is new: farmproxy connects to it and probes it.", p.Name)
		case before == nil:
			c.say("%s is new, and no goal lists it: no miner works for it.", p.Name)
		case *before != *p:
			c.say("%s is connected anew; %s of it get a clean job once the new link is up.", p.Name, plain.Several(c.pools[p.Name].miners, "miner"))
		}
	}
	for i := range c.from.Pools {
		switch name := c.from.Pools[i].Name; {
		case c.to.Pool(name) != nil:
		case c.pools[name].miners > 0:
			c.say("%s is left: its link ends when its shares have their verdicts.", name)
		default:
			c.say("%s is left: farmproxy connects to it no more.", name)
		}
	}
}

// leads reports whether a miner can get to a pool.
func (c *change) leads(pool string) bool {
	return slices.ContainsFunc(partsOf(c.to), func(p part) bool { return slices.Contains(p.pools, pool) })
}

// ofRoutes is about the fractions that goals get.
func (c *change) ofRoutes() {
	before := partsOf(c.from)
	fraction := func(k goalKey) (text string, there bool) {
		i := slices.IndexFunc(before, func(p part) bool { return p.goalKey == k })
		if i < 0 {
			return "", false
		}
		return percent(before[i].fraction), true
	}
	for i := range c.to.Routes {
		r := &c.to.Routes[i]
		differs := len(r.Goals) > 1 && !slices.ContainsFunc(c.from.Routes, func(b config.Route) bool { return b.Name == r.Name && len(b.Goals) == len(r.Goals) })
		said := make([]string, len(r.Goals))
		for j, f := range r.Fractions() {
			goal := r.Goals[j].Name
			was, there := fraction(goalKey{r.Name, goal})
			switch {
			case !there:
				said[j] = goal + " " + percent(f) + " (new)"
			case was != percent(f):
				differs = true
				said[j] = goal + " " + was + " → " + percent(f)
			default:
				said[j] = goal + " " + was
			}
		}
		if differs {
			c.say("Route %s is divided otherwise: %s. Within minutes some of its miners move, each by a clean job on the connection that it has.", r.Name, strings.Join(said, ", "))
		}
		if scheduled := c.ofSchedules(r); (differs || scheduled) && slices.Contains(c.given, r.Name) {
			c.say("Other weights are ordered for route %s now: they hold until the order ends or is taken back.", r.Name)
		}
	}
	for i := range c.from.Routes {
		if name := c.from.Routes[i].Name; !slices.ContainsFunc(c.to.Routes, func(r config.Route) bool { return r.Name == name }) {
			c.say("Route %s is gone: its miners get a clean job of where they belong then.", name)
		}
	}
}

// ofSchedules is about what the goals of a route weigh at times. It reports whether any of them
// has another schedule.
func (c *change) ofSchedules(r *config.Route) (differ bool) {
	if len(r.Goals) < 2 {
		return false // it gets all of the work at any time
	}
	periods := false
	for i := range r.Goals {
		g := &r.Goals[i]
		if slices.Equal(c.schedule(goalKey{r.Name, g.Name}), g.Schedule) {
			continue
		}
		differ = true
		if len(g.Schedule) == 0 {
			c.say("Goal %s of route %s has no schedule any more: it weighs %s at all times.", g.Name, r.Name, plain.Number(g.Weight))
			continue
		}
		periods = true
		said := make([]string, len(g.Schedule))
		for j := range g.Schedule {
			said[j] = plain.Number(g.Schedule[j].Weight) + " (" + g.Schedule[j].When() + ")"
		}
		c.say("By its schedule, goal %s of route %s weighs %s, and %s otherwise.", g.Name, r.Name, strings.Join(said, ", "), plain.Number(g.Weight))
	}
	if periods {
		c.say("When one of these times begins or ends, some miners of route %s move within minutes, each by a clean job on the connection that it has.", r.Name)
	}
	return differ
}

// schedule returns the schedule that a goal has so far.
func (c *change) schedule(k goalKey) []config.Period {
	for i := range c.from.Routes {
		if r := &c.from.Routes[i]; r.Name == k.route {
			for j := range r.Goals {
				if r.Goals[j].Name == k.goal {
					return r.Goals[j].Schedule
				}
			}
		}
	}
	return nil
}

// ofPart says who serves a part's miners from then on, if that is another one. It reports
// whether nobody may be there.
func (c *change) ofPart(p part) (alone bool) {
	now := partsOf(c.from)
	was := slices.IndexFunc(now, func(q part) bool { return q.goalKey == p.goalKey })
	var before string
	if was >= 0 {
		before = c.servesNow(now[was].pools)
	}
	after, awaited := c.serving(p.pools)
	who := c.miners(p)
	wait := "once it has been healthy for failover.return_after (" + config.Short(c.to.Failover.ReturnAfter) + ")"
	hold := "failover.hold (" + c.to.Failover.Hold.String() + ")"
	switch {
	case after == "" && before == "" && awaited == "" && was >= 0:
		return false // as it is
	case after == "" && awaited != "":
		c.say("%s is not known to work yet: when it gives a job, it gets %s. Until then they stay connected for %s.", awaited, who, hold)
		return true
	case after == "":
		c.say("No pool is up for %s: they stay connected for %s, and are disconnected then.", who, hold)
		return true
	case before != "" && before != after && slices.Index(p.pools, after) < slices.Index(p.pools, before):
		c.say("From %s to %s: %s, each by a clean job, %s.", before, after, who, wait)
	case before != "" && before != after:
		c.say("From %s to %s: %s, each by a clean job.", before, after, who)
	}
	if awaited != "" {
		c.say("To %s: %s, %s.", awaited, who, wait)
	}
	return false
}

// servesNow returns the pool of a list that miners work for.
func (c *change) servesNow(list []string) string {
	for _, pool := range list {
		if f := c.pools[pool]; f.takes && f.active {
			return pool
		}
	}
	name, _ := c.serving(list)
	return name
}

// serving returns the pool of a list that miners work for, and the first one before it of
// which nothing is known yet; "": none.
func (c *change) serving(list []string) (name, awaited string) {
	for _, pool := range list {
		f, known := c.pools[pool]
		if known && f.takes {
			return pool, awaited
		}
		if !known && awaited == "" {
			awaited = pool
		}
	}
	return "", awaited
}

// miners names the miners of a part, with their number if that is known.
func (c *change) miners(p part) string {
	if p.route != "" {
		of := " of goal " + p.goal + " of route " + p.route
		if n, known := c.goals[p.goalKey]; known {
			return plain.Several(n, "miner") + of
		}
		return "the miners" + of
	}
	whose := ""
	if c.to.Store.URL != "" {
		whose = " of no account"
	}
	if len(c.from.Routes) > 0 {
		return "all miners" + whose
	}
	n := 0
	for _, name := range poolNames(c.from) {
		n += c.pools[name].miners
	}
	return plain.Several(n, "miner") + whose
}

func percent(f float64) string { return strconv.FormatFloat(100*f, 'g', 3, 64) + " %" }
