package upstream

import (
	"context"
	"encoding/json"
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
// is a failover, and to its miners a clean job.
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
}

// anewImage is a lane whose link can't be handed over.
type anewImage struct {
	Goal   string `json:"route"`
	Key    Prefix `json:"key"`
	ID     uint32 `json:"id"`
	Number int    `json:"number"`
	First  bool   `json:"first,omitempty"`
	Works  uint32 `json:"works"`
}

// directoryImage is all that a directory has.
type directoryImage struct {
	Jobs     uint32                `json:"jobs"`
	Lanes    uint32                `json:"lanes"`
	Epochs   uint64                `json:"epochs"`
	Pools    map[string]remembered `json:"pools"`
	Prefixes prefixesImage         `json:"prefixes"`
	Goals    []goalImage           `json:"routes"`
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
	for _, r := range d.inOrder() {
		if r.account != "" && !r.PerUser && r.hasMiners() {
			image.Accounts = append(image.Accounts, r.account)
		}
	}
	d.eachLane(func(l *Lane) {
		if k := l.servingLink(); k != nil && k.bound.Load() {
			image.Anew = append(image.Anew, anewImage{
				Goal: l.goal.account, Key: l.key, ID: l.id, Number: l.number, First: l.first, Works: l.works.highest() + aheadWorks,
			})
		}
	})
	return json.Marshal(image)
}

// eachLane calls do with each lane of the goals in use, in order.
func (d *Directory) eachLane(do func(*Lane)) {
	for _, r := range d.inOrder() {
		for _, l := range r.inOrder() {
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
// over, whose sockets Restore wants in that order. It changes nothing. The directory and
// the event loops must be frozen.
func (d *Directory) State() (image []byte, wires []Wire, err error) {
	x := &imaging{now: time.Now()}
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
		if _, err := d.heirTo(name); err != nil {
			return fmt.Errorf("account %q has miners, and the new process does not know it: check that the store can be reached", name)
		}
	}
	raise32(&jobs, image.Jobs)
	raise32(&lanes, image.Lanes)
	raise64(&epochs, image.Epochs)
	d.heir.waits.Store(true)
	d.begin(ctx)
	for i := range image.Anew {
		a := &image.Anew[i]
		r, err := d.heirTo(a.Goal)
		if err != nil {
			continue // its miners are told when they are here
		}
		l := r.reopen(a.Key, a.ID, a.Number, a.First)
		l.works.last = a.Works
		l.seen(0, time.Now(), time.Now())
		r.mu.Lock()
		l.running = d.run(l.supervise)
		r.mu.Unlock()
	}
	return nil
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
	x := &restoring{d: d, now: time.Now(), sockets: sockets, miner: miner}
	return x.directory(&i)
}

// Inherited returns the lane that had that id in the process before; nil: there is none any
// more. Until Start.
func (d *Directory) Inherited(lane uint32) *Lane { return d.heir.lanes[lane] }

// InheritedGoal returns the goal that a lane or a login was on in the process before, by
// the name of its account or user; nil: there is none any more.
func (d *Directory) InheritedGoal(account string) *Goal { return d.goal(account) }

// heirTo returns the goal of that name, which was in use in the process before.
func (d *Directory) heirTo(name string) (*Goal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.goals[name]; r != nil {
		return r, nil
	}
	e, ok := d.entry(name)
	if !ok {
		return nil, ErrNoAccount
	}
	r := d.newGoal(e)
	d.goals[name] = r
	return r, nil
}

// inOrder returns the goals in use, by name.
func (d *Directory) inOrder() []*Goal {
	d.mu.RLock()
	defer d.mu.RUnlock()
	names := make([]string, 0, len(d.goals))
	for name := range d.goals {
		names = append(names, name)
	}
	slices.Sort(names)
	list := make([]*Goal, len(names))
	for i, name := range names {
		list[i] = d.goals[name]
	}
	return list
}

// inOrder returns the goal's lanes, by what they serve.
func (r *Goal) inOrder() []*Lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Lane, 0, len(r.lanes))
	for _, l := range r.lanes {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *Lane) int { return a.key.compare(b.key) })
	return list
}
