package upstream

import (
	"slices"
	"strings"
	"time"
)

// Account is credentials at one pool, under the name that miners log in with.
// It is immutable.
type Account struct {
	Name   string // what it is known as in the table; plain text
	Pool   Pool   // with the account's user and password
	Direct bool   // one link for each miner, as in Pool
}

// equal reports that a route for the one serves the other just as well. Two
// pools with different *tls.Config are different, whatever these say: a table
// should have one for each pool, and keep it.
func (a *Account) equal(b *Account) bool {
	p, q := &a.Pool, &b.Pool
	return a.Name == b.Name && a.Direct == b.Direct &&
		p.Name == q.Name && p.URL == q.URL && p.Address == q.Address && p.Host == q.Host &&
		p.TLS == q.TLS && p.User == q.User && p.Password == q.Password &&
		p.PassWorkers == q.PassWorkers && p.Agent == q.Agent && p.FixedWorker == q.FixedWorker && p.Links == q.Links && p.Direct == q.Direct &&
		p.SuggestDifficulty == q.SuggestDifficulty && p.UserAgent == q.UserAgent &&
		p.Algorithm.Name == q.Algorithm.Name && p.Algorithm.Divider == q.Algorithm.Divider
}

// Accounts is a table of accounts, in memory. It is immutable: a change is
// another table. Its methods may be called from any goroutine and never block.
type Accounts interface {
	// Account returns the account of that name; false: there is none.
	Account(name string) (Account, bool)
	// URLs returns the URLs of the pools that have accounts, each once. Those of
	// agent pools begin with AgentScheme.
	URLs() []string
}

// AgentScheme is what the URLs of agent pools begin with.
const AgentScheme = "agent+"

// Set replaces the table of accounts. Logins find the new one from now on.
// Routes of accounts that are gone or changed are retired: Downstream.Rerouted
// is called for each, and their lanes end when their miners have left and their
// shares have verdicts, in any case after 10 s. Only accounts in use cost
// anything.
func (d *Directory) Set(accounts Accounts) {
	urls := append(make([]string, 0, 8), accounts.URLs()...)
	now := time.Now()
	if slices.ContainsFunc(urls, func(url string) bool { return strings.HasPrefix(url, AgentScheme) }) {
		d.prefixes.serveAgents()
	}
	var retired []*Route
	d.mu.Lock()
	d.accounts = accounts
	for name, r := range d.routes {
		is, there := accounts.Account(name)
		if r.user && there || !r.user && !(there && r.serves.equal(&is)) {
			delete(d.routes, name)
			retired = append(retired, r)
		}
	}
	d.shape(urls)
	d.mu.Unlock()
	d.openFirst()
	for _, r := range retired {
		r.retire(now)
		d.down.Rerouted(r)
	}
}

// LoginAgain has the miners of the fixed route log in again, in memory: where the
// table of accounts was not known when they came, some may be accounts'.
func (d *Directory) LoginAgain() {
	if d.fixed != nil {
		d.down.Rerouted(d.fixed)
	}
}

// Login returns the route that serves a miner of that name: the account's whose
// name is the login up to the first dot, else the account's whose name is the
// whole login; else with MultiUser that of the user with the name up to the first
// dot, or else the fixed route, with account "". false: there is no such account,
// and no fixed route, or the user's name is empty. It answers from memory; where
// the account was in use before, it allocates nothing.
//
// A miner that joins the route in the same turn of its event loop can't miss
// that it was rerouted.
func (d *Directory) Login(login string) (r *Route, account string, ok bool) {
	d.mu.RLock()
	if r = d.inUse(login); r != nil && r.user {
		r.call(time.Now())
	}
	d.mu.RUnlock()
	if r == nil {
		r = d.open(login)
	}
	if r == nil {
		r = d.fixed
	}
	if r == nil {
		return nil, "", false
	}
	return r, r.account, true
}

// inUse returns the route of the account that a login is for, where it is there
// already. The caller has mu.
func (d *Directory) inUse(login string) *Route {
	name, _, dotted := strings.Cut(login, ".")
	r := d.routes[name]
	if !dotted || r != nil && !r.user {
		return r
	}
	if _, there := d.account(name); there {
		return r
	}
	if _, there := d.account(login); there {
		return d.routes[login] // an account comes before a user
	}
	return r
}

// account looks an account up. The caller has mu.
func (d *Directory) account(name string) (a Account, ok bool) {
	if d.accounts == nil {
		return a, false
	}
	return d.accounts.Account(name)
}

// open makes the route of the account, or the user, that a login is for; nil
// where there is none.
func (d *Directory) open(login string) *Route {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.inUse(login); r != nil {
		return r
	}
	name, _, dotted := strings.Cut(login, ".")
	a, ok := d.account(name)
	if !ok && dotted {
		name = login
		a, ok = d.account(name)
	}
	if !ok {
		user, _, _ := strings.Cut(login, ".")
		return d.openUser(user)
	}
	name = strings.Clone(name) // of the login, which may be anything
	p := a.Pool
	p.Direct = p.Direct || a.Direct
	if p.Agent {
		d.prefixes.serveAgents()
	}
	r := d.newRoute(name, []Pool{p})
	r.serves = a
	d.routes[name] = r
	return r
}

// InUse reports that an account has a miner connected.
func (d *Directory) InUse(account string) bool {
	d.mu.RLock()
	r := d.routes[account]
	d.mu.RUnlock()
	return r != nil && r.hasMiners()
}

// AccountsInUse returns the accounts that have a miner connected.
func (d *Directory) AccountsInUse() (names []string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for name, r := range d.routes {
		if r.hasMiners() {
			names = append(names, name)
		}
	}
	return names
}

func (r *Route) hasMiners() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members > 0
}
