package upstream

import (
	"strings"
	"time"
)

// maxUsers bounds the users' routes (Kind.PerUser): any miner can
// invent a name, and each costs 2 kB for as long as its route is in use. More
// could not have links anyway. Beyond, a login with yet another name is refused.
const maxUsers = MaxOnDemand

const (
	// sweepMin is the least number of routes at which those that nobody uses are
	// looked for.
	sweepMin = 64

	// sweepPause is the least time between two such looks: each takes some
	// milliseconds where there are tens of thousands.
	sweepPause = time.Second

	// sweepFull is how long a route that was logged in to and never joined stays
	// where there are as many as there may be: a join follows in the same turn of its
	// loop.
	sweepFull = 2 * time.Second
)

// users are what the directory knows of users who are in no table of accounts.
// Directory.mu guards it.
//
// A user's route is forgotten when its last lane has ended; one that was logged
// in to and never joined when another user comes, and there are twice as many as
// were in use at the last look. So there are, a second's apart, never more than
// twice those in use or logged in to within LetGo.
type users struct {
	sweep int // the number of routes at which to look next
	swept time.Time
}

// openUser makes the route of a user; nil where there can be none. The caller
// has mu.
func (d *Directory) openUser(name string) *Route {
	if name == "" {
		return nil
	}
	now := time.Now()
	if len(d.routes) >= min(d.users.sweep, maxUsers) && now.Sub(d.users.swept) >= sweepPause {
		after := d.letGo
		if len(d.routes) >= maxUsers {
			after = min(after, sweepFull)
		}
		d.sweepUsers(now, after)
	}
	if len(d.routes) >= maxUsers {
		return nil
	}
	name = strings.Clone(name) // of the login
	r := d.newRoute(d.others.of(name))
	r.call()
	d.routes[name] = r
	return r
}

// call notes that a user's route was logged in to.
func (r *Route) call() {
	if r.PerUser {
		r.called.Store(int64(time.Since(r.directory.born)))
	}
}

// unused reports that nobody works on the route, and nobody was sent there who
// may yet come.
func (r *Route) unused(now time.Time, after time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.lanes) == 0 && r.members == 0 && now.Sub(r.directory.born)-time.Duration(r.called.Load()) >= after
}

// forget drops the route of a user that nobody is any more.
func (d *Directory) forget(r *Route) {
	if !r.PerUser {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.routes[r.account] == r && r.unused(time.Now(), d.letGo) {
		delete(d.routes, r.account)
	}
}

// sweepUsers drops the routes of all such users. The caller has mu.
func (d *Directory) sweepUsers(now time.Time, after time.Duration) {
	for name, r := range d.routes {
		if r.PerUser && r.unused(now, after) {
			delete(d.routes, name)
		}
	}
	d.users.sweep, d.users.swept = max(sweepMin, 2*len(d.routes)), now
}
