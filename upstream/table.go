package upstream

import (
	"slices"
	"strings"
	"time"
)

// Entry is one entry of the table of goals: who is served, and at which pools.
// It is immutable.
type Entry struct {
	Kind
	Name string // the account's, as miners log in with it; "": everybody whose login is no account's

	// Pools that they work at, the preferred one first; one at least. A group of miners
	// gets as many lanes as the largest Links among them: lanes are stable, and a
	// failover must not change which lane serves a miner. Where one of them is Direct
	// the whole goal is.
	Pools []Pool
}

// Kind says how the goals of an entry live. The zero value is an account's: one
// goal, whose lanes are opened by their first miner.
type Kind struct {
	// Kept goals have their links up before miners come, and keep them when these
	// have left; their pools are probed all the time.
	Kept bool

	// PerUser entries have a goal for each user: what stands before the first dot of
	// a login (all of it, where there is none) is the user at each of the pools. Any
	// miner can invent a user, so such a goal is forgotten when nobody uses it, and
	// asks a pool only what is not known of it from others.
	PerUser bool
}

// Table says whom each login belongs to. It is immutable: a change is another
// table. Its methods may be called from any goroutine and never block.
type Table interface {
	// Entry returns the account of that name, and for "" what serves everybody whose
	// login is no account's; false: there is none.
	Entry(name string) (Entry, bool)
	// URLs returns the URLs of all pools that are in an entry, each once. Those of agent
	// pools begin with AgentScheme.
	URLs() []string
}

// AgentScheme is what the URLs of agent pools begin with.
const AgentScheme = "agent+"

// equal reports that a goal for the one serves the other just as well.
func (e *Entry) equal(o *Entry) bool {
	return e.Name == o.Name && e.Kind == o.Kind &&
		slices.EqualFunc(e.Pools, o.Pools, func(p, q Pool) bool { return p.equal(&q) })
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

// form is what the lanes of an entry's goals depend on, besides their prefixes.
type form struct {
	direct    bool // each miner has a link of its own
	agents    bool // one of the pools at least speaks the agent dialect
	links     int  // lanes of a group
	algorithm string
	divider   float64
}

func (e *Entry) form() form {
	f := form{links: 1}
	for i := range e.Pools {
		p := &e.Pools[i]
		f.direct, f.agents, f.links = f.direct || p.Direct, f.agents || dialects[p.Dialect].workers, max(f.links, p.Links)
		f.algorithm, f.divider = p.Algorithm.Name, p.Algorithm.Divider // the same for all
	}
	return f
}

// goesOn reports that a goal for the one can go on as one for the other: its lanes
// stay, and the links behind them change one by one, each when its successor is up.
// One that leads to none of the pools any more that it led to does not: who has left
// them all wants to have left them now.
func (e *Entry) goesOn(next *Entry) bool {
	return e.Name == next.Name && e.Kind == next.Kind && e.form() == next.form() &&
		slices.ContainsFunc(e.Pools, func(p Pool) bool {
			return slices.ContainsFunc(next.Pools, func(q Pool) bool { return p.Name == q.Name && p.URL == q.URL })
		})
}

// of returns the entry of one user of a PerUser entry.
func (e *Entry) of(user string) Entry {
	pools := slices.Clone(e.Pools)
	for i := range pools {
		pools[i].User = user
	}
	return Entry{e.Kind, user, pools}
}

// Everybody is a table without accounts: one entry serves all, or none where it has
// no pools.
type Everybody Entry

// Entry implements Table.
func (e Everybody) Entry(name string) (Entry, bool) {
	return Entry(e), name == "" && len(e.Pools) > 0
}

// URLs implements Table.
func (e Everybody) URLs() (urls []string) {
	for i := range e.Pools {
		if url := e.Pools[i].URL; !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return urls
}

// Set replaces the table: of accounts, and of what serves everybody else. Logins
// find the new one from now on. No miner is disconnected that has an entry still:
//
//   - A goal whose entry has other pools, or the same in another order or with other
//     credentials, goes on. A link to a pool that is not there any more is replaced
//     when its successor is up, as in a failover, and drains.
//   - A goal whose entry is gone or another one is retired: Downstream.Rerouted is
//     called for it, and its lanes end when their miners have left and their shares
//     have verdicts, in any case after 10 s.
//
// Only entries in use cost anything.
func (d *Directory) Set(table Table) {
	d.still.enter()
	defer d.still.leave()
	now := time.Now()
	d.mu.Lock()
	others, there := table.Entry("")
	if !there {
		others = Entry{}
	}
	same := others.equal(&d.others)
	d.table, d.others = table, others
	var retired, led []*Goal
	for name, r := range d.goals {
		if r.PerUser && same {
			if _, there := d.account(name); !there {
				continue
			}
		}
		switch is, there := d.entry(name); {
		case there && r.serves.equal(&is):
		case there && r.serves.goesOn(&is):
			r.lead(is)
			led = append(led, r)
		default:
			d.drop(r)
			retired = append(retired, r)
		}
	}
	d.retired = append(slices.DeleteFunc(d.retired, (*Goal).isEmpty), retired...)
	if !same {
		for i := range others.Pools { // their books are there before a miner is
			d.endpoint(&others.Pools[i], i)
		}
	}
	var begun *Goal
	if others.Kept && d.goals[""] == nil {
		begun = d.newGoal(others)
		d.goals[""] = begun
	}
	urls := append(make([]string, 0, 8), table.URLs()...)
	if slices.ContainsFunc(urls, func(url string) bool { return strings.HasPrefix(url, AgentScheme) }) ||
		slices.ContainsFunc(others.Pools, func(p Pool) bool { return dialects[p.Dialect].workers }) {
		d.prefixes.serveAgents()
	}
	d.shape(urls)
	d.mu.Unlock()
	if begun != nil {
		begun.start()
	}
	d.openFirst()
	for _, r := range led {
		r.relook()
	}
	for _, r := range retired {
		r.retire(now)
		d.down.Rerouted(r)
	}
}

// LoginAgain has everybody who is on no account's goal log in again, in memory:
// where the table of accounts was not known when they came, some may be accounts'.
func (d *Directory) LoginAgain() {
	if r := d.goal(""); r != nil {
		d.down.Rerouted(r)
	}
}

// account looks an account up. The caller has mu.
func (d *Directory) account(name string) (e Entry, ok bool) {
	if name == "" {
		return e, false
	}
	return d.table.Entry(name)
}

// entry returns what the goal of that name serves: an account, a user, or
// everybody else. The caller has mu.
func (d *Directory) entry(name string) (e Entry, ok bool) {
	if e, ok = d.account(name); ok {
		return e, true
	}
	switch others := &d.others; {
	case len(others.Pools) == 0:
		return e, false
	case others.PerUser:
		return others.of(name), name != ""
	default:
		return *others, name == ""
	}
}

// goal returns the goal of that name; nil: it is not in use.
func (d *Directory) goal(name string) *Goal {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.goals[name]
}
