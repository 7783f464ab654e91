package upstream

import "slices"

// MaxGoals bounds the goals of a route, so that a set of them is one word. A farm has two
// or three.
const MaxGoals = 64

// Entry is one entry of the table of routes: who is served, and at which goals.
// It is immutable.
type Entry struct {
	Kind
	Name  string      // the account's, as miners log in with it; "": everybody's whose login is no account's
	Route string      // of those: the listeners' that name it; "" where there is one for all
	Goals []GoalEntry // one at least, MaxGoals at most; of several it is split among
}

// GoalEntry is one goal of an entry.
type GoalEntry struct {
	Name   string  // of no other goal of the entry; "" where there is one
	Weight float64 // its part of the route's work is its part of the sum of weights; 0: none, unless others are down

	// Pools that its miners work at, the preferred one first; one at least. A group of miners
	// gets as many lanes as the largest Links among them: lanes are stable, and a
	// failover must not change which lane serves a miner. Where one of them is Direct
	// the whole goal is.
	Pools []Pool
}

// Whole returns the one goal of a route that is not split.
func Whole(pools ...Pool) []GoalEntry { return []GoalEntry{{Weight: 1, Pools: pools}} }

// eachPool visits the pools of all goals; level is where a pool stands in its goal's list.
func (e *Entry) eachPool(visit func(p *Pool, level int)) {
	for i := range e.Goals {
		for j := range e.Goals[i].Pools {
			visit(&e.Goals[i].Pools[j], j)
		}
	}
}

// Kind says how the goals of an entry live. The zero value is an account's, whose lanes
// are opened by their first miner.
type Kind struct {
	// Kept goals have their links up before miners come, and keep them when these
	// have left; their pools are probed all the time.
	Kept bool

	// PerUser entries have a route for each user: what stands before the first dot of
	// a login (all of it, where there is none) is the user at each of the pools. Any
	// miner can invent a user, so such a route is forgotten when nobody uses it, and
	// asks a pool only what is not known of it from others.
	PerUser bool
}

// Table says whom each login belongs to. It is immutable: a change is another
// table. Its methods may be called from any goroutine and never block.
type Table interface {
	// Entry returns the account of that name; false: there is none.
	Entry(name string) (Entry, bool)
	// Others returns what serves everybody whose login is no account's, one entry for each
	// route; the first is for listeners that name none. All have the same Kind. None:
	// nobody else is served.
	Others() []Entry
	// URLs returns the URLs of all pools that are in an entry, each once. Those of agent
	// pools begin with AgentScheme.
	URLs() []string
}

// AgentScheme is what the URLs of agent pools begin with.
const AgentScheme = "agent+"

// equal reports that a route for the one serves the other just as well.
func (e *Entry) equal(o *Entry) bool {
	return e.Name == o.Name && e.Route == o.Route && e.Kind == o.Kind &&
		slices.EqualFunc(e.Goals, o.Goals, func(g, h GoalEntry) bool { return g.equal(&h) })
}

// equal reports that a goal for the one serves the other just as well.
func (g *GoalEntry) equal(o *GoalEntry) bool {
	return g.Name == o.Name && g.Weight == o.Weight &&
		slices.EqualFunc(g.Pools, o.Pools, func(p, q Pool) bool { return p.equal(&q) })
}

// equal reports that a link to the one is a link to the other. Two pools with
// different *tls.Config are different, whatever these say: a table should have one
// for each pool, and keep it.
func (p *Pool) equal(q *Pool) bool {
	return p.Name == q.Name && p.URL == q.URL && p.Address == q.Address && p.Host == q.Host &&
		p.TLS == q.TLS && p.User == q.User && p.Password == q.Password &&
		p.PassWorkers == q.PassWorkers && p.Dialect == q.Dialect && p.FixedWorker == q.FixedWorker && p.Links == q.Links && p.Direct == q.Direct &&
		p.SuggestDifficulty == q.SuggestDifficulty && p.UserAgent == q.UserAgent &&
		p.Algorithm.Name == q.Algorithm.Name && p.Algorithm.Divider == q.Algorithm.Divider
}

// form is what a goal's lanes depend on, besides their prefixes.
type form struct {
	direct    bool // each miner has a link of its own
	agents    bool // one of the pools at least speaks the agent dialect
	links     int  // lanes of a group
	algorithm string
	divider   float64
}

func (g *GoalEntry) form() form {
	f := form{links: 1}
	for i := range g.Pools {
		p := &g.Pools[i]
		f.direct, f.agents, f.links = f.direct || p.Direct, f.agents || dialects[p.Dialect].workers, max(f.links, p.Links)
		f.algorithm, f.divider = p.Algorithm.Name, p.Algorithm.Divider // the same for all
	}
	return f
}

// goesOn reports that a goal for the one can go on as one for the other: its lanes
// stay, and the links behind them change one by one, each when its successor is up.
// One that leads to none of the pools any more that it led to does not: who has left
// them all wants to have left them now.
func (g *GoalEntry) goesOn(next *GoalEntry) bool {
	return g.form() == next.form() &&
		slices.ContainsFunc(g.Pools, func(p Pool) bool {
			return slices.ContainsFunc(next.Pools, func(q Pool) bool { return p.Name == q.Name && p.URL == q.URL })
		})
}

// of returns the entry of one user of a PerUser entry.
func (e *Entry) of(user string) Entry {
	u := Entry{e.Kind, user, e.Route, slices.Clone(e.Goals)}
	for i := range u.Goals {
		pools := slices.Clone(u.Goals[i].Pools)
		for j := range pools {
			pools[j].User = user
		}
		u.Goals[i].Pools = pools
	}
	return u
}

// Everybody is a table without accounts: what serves all, by route, or nothing.
type Everybody []Entry

// Entry implements Table.
func (Everybody) Entry(string) (e Entry, ok bool) { return e, false }

// Others implements Table.
func (e Everybody) Others() []Entry { return e }

// URLs implements Table.
func (e Everybody) URLs() (urls []string) {
	for i := range e {
		e[i].eachPool(func(p *Pool, _ int) {
			if !slices.Contains(urls, p.URL) {
				urls = append(urls, p.URL)
			}
		})
	}
	return urls
}
