package upstream

import (
	"slices"
	"strings"
	"time"
)

// Set replaces the table: of accounts, and of what serves everybody else. Logins
// find the new one from now on. No miner is disconnected that has an entry still:
//
//   - A goal that has other pools, or the same in another order or with other
//     credentials, goes on. A link to a pool that is not there any more is replaced
//     when its successor is up, as in a failover, and drains.
//   - A goal that is gone or another one is retired, and so are those of an entry that is
//     gone: Downstream.Rerouted is called for each, and its lanes end when their miners
//     have left and their shares have verdicts, in any case after 10 s.
//   - Where only weights are others, nobody moves: see Route.Steer.
//
// Only entries in use cost anything.
func (d *Directory) Set(table Table) {
	d.still.enter()
	defer d.still.leave()
	now := time.Now()
	d.mu.Lock()
	c := d.change(table)
	d.mu.Unlock()
	for _, g := range c.begun {
		g.start()
	}
	d.openFirst()
	for _, g := range c.led {
		g.relook()
	}
	for _, g := range c.retired {
		g.retire(now)
		d.down.Rerouted(g)
	}
}

// changes are what a new table means for the goals in use.
type changes struct{ begun, led, retired []*Goal }

// change replaces the table. The caller has mu.
func (d *Directory) change(table Table) (c changes) {
	others := slices.Clone(table.Others())
	same := slices.EqualFunc(others, d.others, func(e, o Entry) bool { return e.equal(&o) })
	d.renameDefault(others)
	d.table, d.others = table, others
	for _, r := range d.routes {
		if r.PerUser && same {
			if _, there := d.account(r.ID().Account); !there {
				continue
			}
		}
		switch is, there := d.entry(r.ID()); {
		case there && r.serves.Load().equal(&is):
		case there && r.Kind == is.Kind:
			led, begun, over := r.lead(is)
			c.led, c.begun, c.retired = append(c.led, led...), append(c.begun, begun...), append(c.retired, over...)
		default:
			d.drop(r)
			c.retired = append(c.retired, r.list()...)
		}
	}
	d.retired = append(slices.DeleteFunc(d.retired, (*Goal).isEmpty), c.retired...)
	for i := range others {
		if !same {
			others[i].eachPool(func(p *Pool, level int) { d.endpoint(p, level) }) // their books are there before a miner is
		}
		if id := (RouteID{Route: others[i].Route}); others[i].Kept && d.routes[id] == nil {
			d.routes[id] = d.newRoute(others[i])
			c.begun = append(c.begun, d.routes[id].list()...)
		}
	}
	d.noteURLs()
	return c
}

// renameDefault gives the route of listeners that name none the name that it has in a list:
// its miners need not move because it got one. The caller has mu.
func (d *Directory) renameDefault(others []Entry) {
	if len(others) == 0 || len(d.others) == 0 {
		return
	}
	was, is := d.others[0].Route, others[0].Route
	if hasRoute(others, was) || hasRoute(d.others, is) {
		return
	}
	for id, r := range d.routes {
		if id.Route != was || id.Account != "" && !r.PerUser {
			continue
		}
		e := *r.serves.Load()
		e.Route = is
		r.serves.Store(&e)
		delete(d.routes, id)
		d.routes[r.ID()] = r
	}
}

// hasRoute reports whether an entry of a list has that route.
func hasRoute(list []Entry, name string) bool {
	return slices.ContainsFunc(list, func(e Entry) bool { return e.Route == name })
}

// noteURLs takes note of what the table's pools are. The caller has mu.
func (d *Directory) noteURLs() {
	urls := append(make([]string, 0, 8), d.table.URLs()...)
	agents := slices.ContainsFunc(urls, func(url string) bool { return strings.HasPrefix(url, AgentScheme) })
	for i := range d.others {
		d.others[i].eachPool(func(p *Pool, _ int) { agents = agents || dialects[p.Dialect].workers })
	}
	if agents {
		d.prefixes.serveAgents()
	}
	d.shape(urls)
}

// LoginAgain has everybody who is on no account's goal log in again, in memory: where the
// table of accounts was not known when they came, some may be accounts'; and their listener
// may have another route now.
func (d *Directory) LoginAgain() {
	d.mu.RLock()
	var goals []*Goal
	for id, r := range d.routes {
		if id.Account == "" {
			goals = append(goals, r.list()...)
		}
	}
	d.mu.RUnlock()
	for _, g := range goals {
		d.down.Rerouted(g)
	}
}

// account looks an account up. The caller has mu.
func (d *Directory) account(name string) (e Entry, ok bool) {
	if name == "" {
		return e, false
	}
	return d.table.Entry(name)
}

// everybodyElse returns the entry of those whose login is no account's, at a listener with
// that route; nil: there is none. A route that is not there any more is the default one.
// The caller has mu.
func (d *Directory) everybodyElse(route string) *Entry {
	if len(d.others) == 0 {
		return nil
	}
	for i := range d.others {
		if d.others[i].Route == route {
			return &d.others[i]
		}
	}
	return &d.others[0]
}

// entry returns what a route serves: an account, a user, or everybody else. The caller has
// mu.
func (d *Directory) entry(id RouteID) (e Entry, ok bool) {
	if e, ok = d.account(id.Account); ok {
		return e, id.Route == e.Route
	}
	others := d.everybodyElse(id.Route)
	switch {
	case others == nil || others.Route != id.Route:
		return e, false
	case others.PerUser:
		return others.of(id.Account), id.Account != ""
	default:
		return *others, id.Account == ""
	}
}
