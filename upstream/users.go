package upstream

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxUsers bounds the users' routes (Kind.PerUser): any miner can
// invent a name, and each costs 2 kB for as long as its route is in use. More
// could not have links anyway. Beyond, a login with yet another name is refused, as are
// those of an address that has brought many who have not worked (usersEach).
const maxUsers = MaxOnDemand

const (
	// usersEach is how many users that have not worked yet one address may have. As
	// many more may be new for each that has: a thousand behind one address may all
	// come at once. All addresses together have half of the routes for theirs, so that
	// nobody can keep out those that work.
	usersEach = 1024

	// crowdedTime is strangerTime for a user of an address that has as many as it may
	// have: then the one that was called first gives way, if nobody joined it or all have
	// left. So names that are only called out keep nobody from logging in. A turn of a
	// busy loop takes less; a route that goes too soon serves its miner all the same.
	crowdedTime = 100 * time.Millisecond

	// crowdedLooks bounds how many of its users are looked at for that.
	crowdedLooks = 16

	// sweepMin is the least number of routes at which those that nobody uses are
	// looked for.
	sweepMin = 64

	// sweepPause is the least time between two such looks: each takes some
	// milliseconds where there are tens of thousands.
	sweepPause = time.Second

	// strangerTime is how long a route that was logged in to and never joined stays
	// when its user has never worked, or where there are as many as there may be: a
	// join follows in the same turn of its loop.
	strangerTime = 2 * time.Second
)

// Why a login leads nowhere.
var (
	ErrNoAccount    = errors.New("no such account")
	ErrTooManyUsers = errors.New("too many users that have not worked yet")
	ErrManyOfYours  = errors.New("too many users of this address that have not worked yet")
)

// users are what the directory knows of users who are in no table of accounts.
// Directory.mu guards it.
//
// A user's route is forgotten when its last lane has ended; one that was logged
// in to and never joined when another user comes, and there are twice as many as
// were in use at the last look. So there are, a second's apart, never more than
// twice those in use or logged in to lately (stays).
type users struct {
	sweep     int // the number of routes at which to look next
	swept     time.Time
	strangers strangers
}

// strangers counts the users that have not worked yet, by the address that brought
// them; mu guards it.
type strangers struct {
	mu    sync.Mutex
	all   int
	homes map[netip.Prefix]*neighbours
}

// neighbours are the users that one address brought.
type neighbours struct {
	fresh, settled int
	list           []*Route // that were fresh when they came, in the order in which they are to give way
}

// room says whether an address may bring one more.
func (s *strangers) room(from netip.Prefix) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.homes[from]; h != nil && from.IsValid() && h.fresh >= usersEach+h.settled {
		return ErrManyOfYours
	}
	if s.all >= maxUsers/2 {
		return ErrTooManyUsers
	}
	return nil
}

// add counts users of an address.
func (s *strangers) add(from netip.Prefix, fresh, settled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all += fresh
	h := s.home(from)
	h.fresh += fresh
	h.settled += settled
	if h.fresh == 0 && h.settled == 0 {
		delete(s.homes, from)
	}
}

// home returns the users of an address. The caller has mu.
func (s *strangers) home(from netip.Prefix) *neighbours {
	h := s.homes[from]
	if h == nil {
		if s.homes == nil {
			s.homes = make(map[netip.Prefix]*neighbours)
		}
		h = new(neighbours)
		s.homes[from] = h
	}
	return h
}

// bring counts a new user of an address.
func (s *strangers) bring(r *Route) {
	s.add(r.from, 1, 0)
	if !r.from.IsValid() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.home(r.from)
	if len(h.list) >= 2*(usersEach+h.settled) { // half of them are no strangers any more
		h.list = slices.DeleteFunc(h.list, func(r *Route) bool { return !r.stranger.Load() })
	}
	h.list = append(h.list, r)
}

// next takes the user of an address that is to give way first out of its list; nil: there is
// none.
func (s *strangers) next(from netip.Prefix) *Route {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.homes[from]
	if h == nil || len(h.list) == 0 {
		return nil
	}
	r := h.list[0]
	h.list[0] = nil
	h.list = h.list[1:]
	return r
}

// again puts a user back, as the last to give way.
func (s *strangers) again(r *Route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.home(r.from)
	h.list = append(h.list, r)
}

// settle notes that a user's worker has earned something, now or before.
func (r *Route) settle() {
	if r != nil && r.PerUser && r.stranger.Swap(false) {
		r.directory.users.strangers.add(r.from, -1, 1)
	}
}

// drop takes a route out. The caller has mu.
func (d *Directory) drop(r *Route) {
	delete(d.routes, r.ID())
	if r.PerUser { // what it earns from now on is not counted
		if r.stranger.Swap(false) {
			d.users.strangers.add(r.from, -1, 0)
		} else {
			d.users.strangers.add(r.from, 0, -1)
		}
	}
}

// openUser makes the route of a user that an address brings, unless there can be none. It
// is a part of what serves everybody else. The caller has mu.
func (d *Directory) openUser(name string, others *Entry, from netip.Prefix) (*Route, error) {
	if name == "" {
		return nil, ErrNoAccount
	}
	now := time.Now()
	err := d.roomForUser(from)
	if err == ErrManyOfYours && d.makeRoom(from, now) {
		err = d.roomForUser(from)
	}
	if (err != nil || len(d.routes) >= d.users.sweep) && now.Sub(d.users.swept) >= sweepPause {
		d.sweepUsers(now)
		err = d.roomForUser(from)
	}
	if err != nil {
		return nil, err
	}
	name = strings.Clone(name) // of the login
	r := d.newRoute(others.of(name))
	r.from = from
	r.stranger.Store(true)
	d.users.strangers.bring(r)
	r.call()
	d.routes[r.ID()] = r
	return r, nil
}

// makeRoom drops a user of an address that nobody is, and has not worked; false: there is
// none among the first of them. The caller has mu.
func (d *Directory) makeRoom(from netip.Prefix, now time.Time) bool {
	s := &d.users.strangers
	for range crowdedLooks {
		r := s.next(from)
		switch {
		case r == nil:
			return false
		case !r.stranger.Load(): // it has worked, or is gone
		case r.unused(now, crowdedTime):
			d.drop(r)
			return true
		default:
			s.again(r)
		}
	}
	return false
}

// roomForUser says whether an address may bring one more user.
func (d *Directory) roomForUser(from netip.Prefix) error {
	if len(d.routes) >= maxUsers {
		return ErrTooManyUsers
	}
	return d.users.strangers.room(from)
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
	return now.Sub(r.directory.born)-time.Duration(r.called.Load()) >= after && !slices.ContainsFunc(r.list(), (*Goal).isUsed)
}

// isUsed reports that the goal has a lane or a miner.
func (g *Goal) isUsed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.lanes) > 0 || g.members > 0
}

// stays is how long a user's route stays without a miner.
func (d *Directory) stays(r *Route) time.Duration {
	if r.stranger.Load() || len(d.routes) >= maxUsers {
		return min(d.letGo, strangerTime)
	}
	return d.letGo
}

// forget drops the route of a user that nobody is any more.
func (d *Directory) forget(r *Route) {
	if r == nil || !r.PerUser {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.routes[r.ID()] == r && r.unused(time.Now(), d.stays(r)) {
		d.drop(r)
	}
}

// sweepUsers drops the routes of all such users. The caller has mu.
func (d *Directory) sweepUsers(now time.Time) {
	for _, r := range d.routes {
		if r.PerUser && r.unused(now, d.stays(r)) {
			d.drop(r)
		}
	}
	d.users.sweep, d.users.swept = max(sweepMin, 2*len(d.routes)), now
}
