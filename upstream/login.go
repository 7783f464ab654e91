package upstream

import (
	"net/netip"
	"strings"
)

// Caller is a miner that logs in, and what decides where it belongs.
type Caller struct {
	Login   string
	Address netip.Addr // which may bring so many new users; zero: not known
	Route   string     // of its listener, for a login that is no account's; one that there is not is the default
	On      *Goal      // that it works at, or worked at before it came back; nil: none
	Prefix  Prefix     // zero: it has none yet
	Mask    uint32     // version bits that it rolls; 0: none
	Agent   bool       // it is an agent, which needs a group of prefixes to itself
}

// Login is LoginFrom for a caller of which no more is known than its login. false: it leads
// nowhere.
func (d *Directory) Login(login string) (g *Goal, account string, ok bool) {
	g, account, err := d.LoginFrom(Caller{Login: login})
	return g, account, err == nil
}

// LoginFrom returns the goal that serves a miner: one of the account's whose
// name is the login up to the first dot, else of the account's whose name is the
// whole login; else of what serves everybody else at the miner's listener: of one route,
// with account "", or in multi-user mode of that of the user with the name up to the first
// dot. Which goal of a split route it is says Route.place. err is ErrNoAccount where there
// is none of these, or the user's name is empty; ErrTooManyUsers or ErrManyOfYours. It
// answers from memory; where the route was in use before, it allocates nothing.
//
// A miner that joins the goal in the same turn of its event loop can't miss
// that it was rerouted.
func (d *Directory) LoginFrom(c Caller) (g *Goal, account string, err error) {
	d.mu.RLock()
	r := d.inUse(c.Login, c.Route)
	if r != nil {
		r.call()
	}
	d.mu.RUnlock()
	if r == nil {
		r, err = d.open(&c)
	}
	if err != nil {
		return nil, "", err
	}
	if c.Agent {
		c.Prefix = Prefix{Group: maxGroups, Len: 2} // any private one
	}
	g = r.place(&c)
	return g, g.account, nil
}

// inUse returns the route that a login is for, where it is there already. The
// caller has mu.
func (d *Directory) inUse(login, route string) *Route {
	name, _, dotted := strings.Cut(login, ".")
	r := d.routes[RouteID{Account: name}]
	if r != nil && !(dotted && r.PerUser) && name != "" {
		return r
	}
	if _, there := d.account(name); there {
		return r
	}
	if dotted { // an account comes before a user
		if _, there := d.account(login); there {
			return d.routes[RouteID{Account: login}]
		}
	}
	switch others := d.everybodyElse(route); {
	case others == nil:
		return nil
	case others.PerUser:
		return d.routes[RouteID{name, others.Route}]
	default:
		return d.routes[RouteID{Route: others.Route}]
	}
}

// open makes the route that a login is for, unless there can be none.
func (d *Directory) open(c *Caller) (*Route, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.inUse(c.Login, c.Route); r != nil {
		return r, nil
	}
	name, _, dotted := strings.Cut(c.Login, ".")
	e, ok := d.account(name)
	if !ok && dotted {
		e, ok = d.account(c.Login)
	}
	if others := d.everybodyElse(c.Route); !ok && others != nil {
		if others.PerUser {
			return d.openUser(name, others, homeOf(c.Address))
		}
		e, ok = *others, true
	}
	if !ok {
		return nil, ErrNoAccount
	}
	r := d.newRoute(e)
	d.routes[r.ID()] = r
	return r, nil
}

// InUse reports that an account has a miner connected.
func (d *Directory) InUse(account string) bool {
	d.mu.RLock()
	r := d.routes[RouteID{Account: account}]
	d.mu.RUnlock()
	return account != "" && r != nil && r.hasMiners()
}

// AccountsInUse returns the accounts that have a miner connected.
func (d *Directory) AccountsInUse() (names []string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for id, r := range d.routes {
		if id.Account != "" && r.hasMiners() {
			names = append(names, id.Account)
		}
	}
	return names
}
