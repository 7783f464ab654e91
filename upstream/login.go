package upstream

import (
	"net/netip"
	"strings"
)

// Login returns the goal that serves a miner of that name: the account's whose
// name is the login up to the first dot, else the account's whose name is the
// whole login; else what serves everybody else: one goal, with account "", or in
// multi-user mode that of the user with the name up to the first dot. false: there
// is none of these, or the user's name is empty. It answers from memory; where the
// goal was in use before, it allocates nothing.
//
// A miner that joins the goal in the same turn of its event loop can't miss
// that it was rerouted.
func (d *Directory) Login(login string) (r *Goal, account string, ok bool) {
	r, account, err := d.LoginFrom(login, netip.Addr{})
	return r, account, err == nil
}

// LoginFrom is Login for a miner at an address, which may bring so many new users; the
// zero Addr: not known. err is ErrNoAccount, ErrTooManyUsers or ErrManyOfYours.
func (d *Directory) LoginFrom(login string, from netip.Addr) (r *Goal, account string, err error) {
	d.mu.RLock()
	if r = d.inUse(login); r != nil {
		r.call()
	}
	d.mu.RUnlock()
	if r == nil {
		r, err = d.open(login, homeOf(from))
	}
	if err != nil {
		return nil, "", err
	}
	return r, r.account, nil
}

// inUse returns the goal that a login is for, where it is there already. The
// caller has mu.
func (d *Directory) inUse(login string) *Goal {
	name, _, dotted := strings.Cut(login, ".")
	r := d.goals[name]
	if r != nil && !(dotted && r.PerUser) && name != "" {
		return r
	}
	if _, there := d.account(name); there {
		return r
	}
	if dotted { // an account comes before a user
		if _, there := d.account(login); there {
			return d.goals[login]
		}
	}
	if r == nil {
		r = d.goals[""]
	}
	return r
}

// open makes the goal that a login is for, unless there can be none.
func (d *Directory) open(login string, from netip.Prefix) (*Goal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.inUse(login); r != nil {
		return r, nil
	}
	name, _, dotted := strings.Cut(login, ".")
	e, ok := d.account(name)
	if !ok && dotted {
		e, ok = d.account(login)
	}
	if !ok && d.others.PerUser {
		return d.openUser(name, from)
	}
	if !ok {
		e, ok = d.entry("")
	}
	if !ok {
		return nil, ErrNoAccount
	}
	r := d.newGoal(e)
	d.goals[e.Name] = r
	return r, nil
}

// InUse reports that an account has a miner connected.
func (d *Directory) InUse(account string) bool {
	r := d.goal(account)
	return account != "" && r != nil && r.hasMiners()
}

// AccountsInUse returns the accounts that have a miner connected.
func (d *Directory) AccountsInUse() (names []string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for name, r := range d.goals {
		if name != "" && r.hasMiners() {
			names = append(names, name)
		}
	}
	return names
}

func (r *Goal) hasMiners() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members > 0
}
