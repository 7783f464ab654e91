package upstream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"
)

// A directory hands itself over to that of the next process: see package handover.
//
//	this process              the next one
//	Ahead  ─────────────────> Expect: opens the lanes whose links it has to dial anew,
//	                          Dialled: and waits for these
//	Freeze
//	State  ──── image ──────> Restore: all other lanes and links, which do nothing yet
//	       ──── sockets ────>
//	                          Start: the links go on
//	(Thaw, if it came to nothing)
//
// Lanes, jobs, epochs and works keep their numbers, so that whoever names them needs no
// translation. A link whose connection is more than a socket stays behind: of TLS nobody
// can have the keys. The next process dials another before the switch; to the lane that
// is a failover, and to its miners a clean job. As in any failover the old link drains: the
// next process has it through the old one, which stays that long (Relay).
//
// An image of something is all of it that another process needs, as plain data, in JSON.
// Readers ignore fields that they do not know, and what is missing is zero: so a field
// can be added at any time. Package handover has the number of the format.

// Numbers that the next process leaves free, for what this one begins between Ahead and
// State: a minute's, of as many links as there may be.
const (
	aheadNumbers = 1 << 20
	aheadWorks   = 1 << 10
)

// aheadImage is what the next process has to know before it dials.
type aheadImage struct {
	Jobs     uint32      `json:"jobs"`
	Lanes    uint32      `json:"lanes"`
	Epochs   uint64      `json:"epochs"`
	Accounts []string    `json:"accounts,omitempty"` // that have miners
	Anew     []anewImage `json:"anew,omitempty"`
	Named    []anewImage `json:"anew_of_goals,omitempty"` // the same, of goals that directoryImage.Named has
}

// anewImage is a lane whose link can't be handed over.
type anewImage struct {
	Account string `json:"route"`
	Route   string `json:"of_route,omitempty"`
	Goal    string `json:"goal,omitempty"`
	Key     Prefix `json:"key"`
	ID      uint32 `json:"id"`
	Number  int    `json:"number"`
	First   bool   `json:"first,omitempty"`
	Works   uint32 `json:"works"`
}

// directoryImage is all that a directory has.
type directoryImage struct {
	Jobs     uint32                `json:"jobs"`
	Lanes    uint32                `json:"lanes"`
	Epochs   uint64                `json:"epochs"`
	Pools    map[string]remembered `json:"pools"`
	Prefixes prefixesImage         `json:"prefixes"`
	Goals    []goalImage           `json:"routes"`            // those without a name, of routes without a name
	Named    []goalImage           `json:"goals,omitempty"`   // all others, which an older process would take for the former
	Retired  []goalImage           `json:"retired,omitempty"` // whose shares have no verdict yet
	OnDemand placesImage           `json:"on_demand"`
	Groups   placesImage           `json:"groups"`
}

// heir is what a directory has of the process before it, until it starts.
type heir struct {
	waits atomic.Bool // for that process: it opens no lane by itself
	lanes map[uint32]*Lane
	lost  []Verdict // on shares that nobody can answer any more
}

// Ahead returns what the next process needs to dial the links that can't be handed over.
// Everything goes on meanwhile.
func (d *Directory) Ahead() ([]byte, error) {
	image := aheadImage{
		Jobs: jobs.Load() + aheadNumbers, Lanes: lanes.Load() + aheadNumbers, Epochs: epochs.Load() + aheadNumbers,
	}
	for _, r := range d.routesInOrder() {
		if id := r.ID(); id.Account != "" && !r.PerUser && r.hasMiners() {
			image.Accounts = append(image.Accounts, id.Account)
		}
	}
	d.eachLane(func(l *Lane) {
		if k := l.servingLink(); k != nil && k.staysBehind() {
			id := l.goal.id()
			list := &image.Anew
			if id.named() {
				list = &image.Named
			}
			*list = append(*list, anewImage{
				Account: id.Account, Route: id.Route, Goal: id.goal, Key: l.key, ID: l.id, Number: l.number, First: l.first, Works: l.works.highest() + aheadWorks,
			})
		}
	})
	return json.Marshal(image)
}

// eachLane calls do with each lane of the goals in use, in order.
func (d *Directory) eachLane(do func(*Lane)) {
	for _, g := range d.Goals() {
		for _, l := range g.inOrder() {
			do(l)
		}
	}
}

// Freeze returns when nothing in the directory changes by itself any more, until Thaw: no
// lane looks for another link, none is opened or ends, and the table stays what it is.
// What event loops do goes on: they freeze afterwards.
func (d *Directory) Freeze() { d.still.freeze() }

// Thaw ends Freeze.
func (d *Directory) Thaw() { d.still.thaw() }

// State returns all that the directory has, and the wires of the links that can be handed
// over, whose sockets Restore wants in that order. A *Relay among them was accepted by
// relay: Restore wants a connection whose other end its Run gets. It changes nothing. The
// directory and the event loops must be frozen.
func (d *Directory) State(relay func(*Relay) bool) (image []byte, wires []Wire, err error) {
	x := &imaging{now: time.Now(), relay: relay}
	image, err = json.Marshal(x.directory(d))
	return image, x.wires, err
}

// Expect makes a directory that has its table, and does not run yet, that of the process
// after the one that sent ahead. It dials what that one can't hand over, and does nothing
// else before Restore and Start. It is an error if an account has miners and is not in the
// table: a store that can't be reached now would cost them their pools.
func (d *Directory) Expect(ctx context.Context, ahead []byte) error {
	var image aheadImage
	if err := json.Unmarshal(ahead, &image); err != nil {
		return fmt.Errorf("what the running farmproxy said of its links: %w", err)
	}
	for _, name := range image.Accounts {
		if !d.knows(name) {
			return fmt.Errorf("account %q has miners, and the new process does not know it: check that the store can be reached", name)
		}
	}
	raise32(&jobs, image.Jobs)
	raise32(&lanes, image.Lanes)
	raise64(&epochs, image.Epochs)
	d.heir.waits.Store(true)
	d.begin(ctx)
	for _, a := range append(image.Anew, image.Named...) {
		g, err := d.heirTo(goalID{RouteID{a.Account, a.Route}, a.Goal})
		if err != nil {
			continue // its miners are told when they are here
		}
		l := g.reopen(a.Key, a.ID, a.Number, a.First)
		l.works.last = a.Works
		l.seen(0, time.Now(), time.Now())
		g.mu.Lock()
		l.running = d.run(l.supervise)
		g.mu.Unlock()
	}
	return nil
}

// knows reports that an account is in the table, or would be a user.
func (d *Directory) knows(account string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, ok := d.account(account)
	others := d.everybodyElse("")
	return ok || others != nil && others.PerUser
}

// Dialled returns when the lanes that were opened by Expect have a link, or when ctx ends:
// those that have none by then have lost theirs.
func (d *Directory) Dialled(ctx context.Context) {
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for !d.hasDialled() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (d *Directory) hasDialled() bool {
	all := true
	d.eachLane(func(l *Lane) { all = all && l.servingLink() != nil })
	return all
}

// Restore makes the directory what the one was that the image is of. sockets are those of
// the wires that came with the image, in that order; the directory owns them from here on. Miners are
// named by what miner makes of the cookies that they had. Nothing moves before Start.
func (d *Directory) Restore(image []byte, sockets []net.Conn, miner func(Cookie) Cookie) error {
	var i directoryImage
	if err := json.Unmarshal(image, &i); err != nil {
		return fmt.Errorf("what the running farmproxy has of its links: %w", err)
	}
	d.Freeze()
	defer d.Thaw()
	x := &restoring{d: d, now: time.Now(), sockets: sockets, miner: miner, users: make(map[*Route]bool)}
	return x.directory(&i)
}

// Inherited returns the lane that had that id in the process before; nil: there is none any
// more. Until Start.
func (d *Directory) Inherited(lane uint32) *Lane { return d.heir.lanes[lane] }

// InheritedGoal returns the goal that a login was on in the process before, by the route and
// the name that it had there; nil: there is none any more.
func (d *Directory) InheritedGoal(of RouteID, goal string) *Goal {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if r := d.routes[of]; r != nil {
		return r.Goal(goal)
	}
	return nil
}

// goalID tells a goal from all others.
type goalID struct {
	RouteID
	goal string
}

func (g *Goal) id() goalID { return goalID{g.route.ID(), g.Name()} }

// named reports that the account does not say all.
func (id goalID) named() bool { return id.Route != "" || id.goal != "" }

// heirTo returns the goal that was in use in the process before.
func (d *Directory) heirTo(id goalID) (*Goal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.routes[id.RouteID]
	if r == nil {
		e, ok := d.entry(id.RouteID)
		if !ok {
			return nil, ErrNoAccount
		}
		r = d.newRoute(e)
		d.routes[id.RouteID] = r
	}
	if g := r.Goal(id.goal); g != nil {
		return g, nil
	}
	return nil, errNoGoal
}

// errNoGoal says that a route is not divided any more as it was.
var errNoGoal = errors.New("no such goal")

// routesInOrder returns the routes in use, by account and name.
func (d *Directory) routesInOrder() []*Route {
	d.mu.RLock()
	defer d.mu.RUnlock()
	ids := make([]RouteID, 0, len(d.routes))
	for id := range d.routes {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b RouteID) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Route, b.Route))
	})
	list := make([]*Route, len(ids))
	for i, id := range ids {
		list[i] = d.routes[id]
	}
	return list
}

// Goals returns the goals in use, by account and name of their routes, and in the order of
// these.
func (d *Directory) Goals() (list []*Goal) {
	for _, r := range d.routesInOrder() {
		list = append(list, r.list()...)
	}
	return list
}

// inOrder returns the goal's lanes, by what they serve.
func (g *Goal) inOrder() []*Lane {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]*Lane, 0, len(g.lanes))
	for _, l := range g.lanes {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *Lane) int { return a.key.compare(b.key) })
	return list
}
