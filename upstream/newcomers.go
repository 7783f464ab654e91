package upstream

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// newcomersEach is how many lanes on demand miners of one address may have that
	// have not handed in a share that counts. As many more may have one for each that
	// has: a thousand users behind one address that all work are in after five rounds,
	// each as long as a share takes, and one that only invents names stays where it
	// began. As many again are for those that have shown hash rate at test work: whoever
	// works is not kept waiting by neighbours that don't.
	newcomersEach = 64

	// groupsEach is that for the lanes of further groups of prefixes, which have 256
	// miners each at least.
	groupsEach = 4

	// newcomerTime is how long a newcomer has its place for certain: others of its
	// address wait so long, even if it leaves before. Ten times what a share takes at
	// the usual rate.
	newcomerTime = 2 * time.Minute

	// seatPause is how often it is seen whose time is over. Places that are given back
	// are filled at once.
	seatPause = time.Second
)

// newcomers says which lanes may have a link: those that are opened by whoever comes,
// and would be opened by whoever invents names. A lane is a newcomer until a share
// that counts was handed in on it, or a worker that has a record vouches for it.
//
//	enter ──> in, a newcomer ──earn──> has earned its place ──leave──> may come back
//	  │         │                                                     as a newcomer at once
//	  │         ├─leave──> its place stays taken until its time is over
//	  │         └─displaced by another, when it is one of the oldest of the address
//	  │           that has most
//	  └──> waits, if its address is crowded at test work ──seat──> in
//	            └──pass──> waits before the others ──seat──> in
//
// Bounds: each address has a number of newcomers, all together half of the places. At
// the first bound the oldest of that address gives way once it has had its time; at
// the second the oldest of whoever has most. So one address keeps out itself, and
// many that do not work can't keep out one that does. Who comes and goes opens no more
// links than who stays: that is what the place of one that left is held for.
//
// A lane that waits costs an entry: it runs, with a goroutine and timers, once it has a
// place. It is a pure table, of lanes by address; mu guards it.
type newcomers struct {
	each  int           // newcomers of one address before any of its lanes has earned its place
	max   int           // places in all
	freed chan struct{} // somebody who waits may come in

	mu      sync.Mutex
	fresh   int   // newcomers
	sizes   []int // how many addresses have so many newcomers
	proven  int   // lanes that have earned their places
	waiting int
	homes   map[netip.Prefix]*home
	places  map[*Lane]*place
	vouched map[string]time.Time // workers with a record, and when they last vouched for a lane
}

// home is an address that lanes were opened from.
type home struct {
	from    netip.Prefix
	proven  int
	fresh   []*Lane     // newcomers, the oldest first
	waiting []*Lane     // the next one first
	held    []time.Time // places of newcomers that left: since when each was taken
	left    []departed  // that had earned their places
}

// departed is a lane that has ended.
type departed struct {
	who string
	at  time.Time
}

// most returns how many newcomers the address has that has most.
func (n *newcomers) most() int {
	for len(n.sizes) > 0 && n.sizes[len(n.sizes)-1] == 0 {
		n.sizes = n.sizes[:len(n.sizes)-1]
	}
	return max(0, len(n.sizes)-1)
}

// resize notes that an address had so many newcomers, and has others now.
func (n *newcomers) resize(before int, h *home) {
	now := len(h.fresh)
	for len(n.sizes) <= max(before, now) {
		n.sizes = append(n.sizes, 0)
	}
	if before > 0 {
		n.sizes[before]--
	}
	if now > 0 {
		n.sizes[now]++
	}
}

// place is what a lane has, or waits for.
type place struct {
	*home
	since  time.Time // it has it; zero: it waits
	who    string    // it is for, at its address: an agent, a worker, an account; "": not known
	proven bool
	back   bool // who had earned a place, and has just left it
	passed bool // it has handed in a share of test work
}

// bounded reports that its address may have only so many like it.
func (p *place) bounded() bool { return p.from.IsValid() && !p.proven && !p.back }

// bound is how many newcomers its address may have when it is let in.
func (n *newcomers) bound(p *place) int {
	if p.passed {
		return 2*n.each + p.home.proven
	}
	return n.each + p.home.proven
}

func newNewcomers(each, max int) *newcomers {
	return &newcomers{
		each: each, max: max, freed: make(chan struct{}, 1),
		homes: make(map[netip.Prefix]*home), places: make(map[*Lane]*place), vouched: make(map[string]time.Time),
	}
}

// homeOf returns what counts as one address: of IPv6 what one customer gets.
func homeOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // of no address: of none
	return p
}

// enter asks for a place for a lane, for the sake of a miner at an address; who is the
// same whenever the miner comes. voucher is its worker where that one has a record, else
// "": it makes the lane one that has earned its place. displaced is the lane that has to give way, if any. A lane that
// is not let in waits for seat.
func (n *newcomers) enter(l *Lane, from netip.Prefix, who, voucher string, now time.Time) (ok bool, displaced *Lane) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[l]
	switch {
	case p != nil && !p.since.IsZero():
		if !p.proven && n.vouches(voucher, now) {
			n.prove(l, p)
		}
		return true, nil
	case p != nil && voucher == "" && p.from == from:
		return false, nil
	}
	h := n.homes[from]
	if h == nil {
		h = &home{from: from}
		n.homes[from] = h
	}
	h.age(now)
	next := &place{home: h, who: who, proven: n.vouches(voucher, now)}
	if p == nil {
		next.back = h.back(who)
	} else {
		next.who = p.who
	}
	displaced, ok = n.makeRoom(next, now)
	if p != nil && (ok || next.proven) {
		n.unqueue(l, p)
		p = nil
	}
	switch {
	case ok:
		n.letIn(l, next, displaced, now)
	case p == nil:
		n.queue(l, next)
	default:
		n.tidy(h)
	}
	return ok, displaced
}

// back reports that somebody had earned a place, and has just left it: once.
func (h *home) back(who string) bool {
	i := slices.IndexFunc(h.left, func(d departed) bool { return d.who == who })
	if who == "" || i < 0 {
		return false
	}
	h.left = slices.Delete(h.left, i, i+1)
	return true
}

// queue has a lane wait, before all that are bounded if it is not. The caller has mu.
func (n *newcomers) queue(l *Lane, p *place) {
	n.homes[p.from] = p.home // its last lane may have left the line for this
	n.places[l] = p
	n.waiting++
	if p.bounded() {
		p.waiting = append(p.waiting, l)
	} else {
		p.waiting = slices.Insert(p.waiting, 0, l)
	}
}

// vouches reports that a worker makes a lane one that has earned its place. Once in
// newcomerTime: who knows its name could open any number.
func (n *newcomers) vouches(worker string, now time.Time) bool {
	if worker == "" {
		return false
	}
	if last, did := n.vouched[worker]; did && now.Sub(last) < newcomerTime {
		return false
	}
	n.vouched[strings.Clone(worker)] = now
	return true
}

// letIn gives a lane its place, in that of another where that has to give way. The
// caller has mu.
func (n *newcomers) letIn(l *Lane, p *place, displaced *Lane, now time.Time) {
	p.since = now
	if displaced != nil {
		n.remove(displaced, n.places[displaced])
	}
	n.homes[p.from] = p.home // what was displaced may have been its last
	n.places[l] = p
	if p.proven {
		p.home.proven++
		n.proven++
		return
	}
	p.fresh = append(p.fresh, l)
	n.resize(len(p.fresh)-1, p.home)
	n.fresh++
}

// makeRoom says whether a lane can have its place, and which has to give way for it.
// The caller has mu.
func (n *newcomers) makeRoom(p *place, now time.Time) (displaced *Lane, ok bool) {
	h, full := p.home, n.proven+n.fresh >= n.max
	switch {
	case p.bounded() && len(h.fresh)+len(h.held) >= n.bound(p):
		return n.oldest(h, now)
	case !full && (p.proven || n.fresh < (n.max+1)/2):
		return nil, true
	}
	switch most := n.most(); {
	case most == 0:
		return nil, false // all work
	case p.proven, most > len(h.fresh)+1:
		return n.greediest(most), true
	}
	return n.oldest(h, now)
}

// greediest returns the oldest newcomer of an address that has so many.
func (n *newcomers) greediest(most int) *Lane {
	for _, h := range n.homes {
		if len(h.fresh) == most {
			return h.fresh[0]
		}
	}
	return nil
}

// crowd reports that a lane waits because its address has as many newcomers as it may have.
func (n *newcomers) crowd(l *Lane) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[l]
	return p != nil && p.since.IsZero() && p.bounded() && len(p.fresh)+len(p.held) >= n.bound(p)
}

// oldest returns the oldest newcomer of an address, if it has had its time.
func (n *newcomers) oldest(h *home, now time.Time) (l *Lane, ok bool) {
	if len(h.fresh) == 0 || now.Sub(n.places[h.fresh[0]].since) < newcomerTime {
		return nil, false
	}
	return h.fresh[0], true
}

// earn notes that a share that counts was handed in on a lane.
func (n *newcomers) earn(l *Lane) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.places[l]; p != nil && !p.since.IsZero() && !p.proven {
		n.prove(l, p)
	}
}

// pass notes that a share of test work was handed in on a lane that waits: it comes before
// those of its address that have shown nothing. An agent connects again, since the link's
// extranonce1 is another than that of its test work: it may come back once.
func (n *newcomers) pass(l *Lane, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[l]
	if p == nil || !p.since.IsZero() || p.passed {
		return
	}
	p.passed = true
	if l.key.private() {
		p.left = append(p.left, departed{p.who, now})
	}
	rest := slices.DeleteFunc(p.waiting, func(other *Lane) bool { return other == l })
	at := slices.IndexFunc(rest, func(other *Lane) bool { return n.places[other].bounded() && !n.places[other].passed })
	if at < 0 {
		at = len(rest)
	}
	p.waiting = slices.Insert(rest, at, l)
	n.free()
}

// prove makes a newcomer one that has earned its place. The caller has mu.
func (n *newcomers) prove(l *Lane, p *place) {
	p.proven = true
	n.drop(p.home, l)
	p.home.proven++
	n.fresh--
	n.proven++
	n.free()
}

// leave takes out a lane that has ended. ran says that it may have had a link.
func (n *newcomers) leave(l *Lane, ran bool, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[l]
	if p == nil {
		return
	}
	switch {
	case p.since.IsZero():
		n.unqueue(l, p)
		delete(n.places, l)
		return
	case !ran || !p.from.IsValid():
	case p.proven && p.who == "":
	case p.proven:
		n.departs(p, now)
	default:
		p.held = append(p.held, p.since)
	}
	p.age(now)
	n.remove(l, p)
}

// departs notes that a lane has ended that had earned its place. Who came back before
// that was seen need not wait any more. The caller has mu.
func (n *newcomers) departs(p *place, now time.Time) {
	i := slices.IndexFunc(p.waiting, func(l *Lane) bool { return n.places[l].who == p.who && n.places[l].bounded() })
	if i < 0 {
		p.left = append(p.left, departed{p.who, now})
		return
	}
	l := p.waiting[i]
	n.places[l].back = true
	p.waiting = slices.Insert(slices.Delete(p.waiting, i, i+1), 0, l)
}

// remove takes out a lane that had a place. The caller has mu.
func (n *newcomers) remove(l *Lane, p *place) {
	delete(n.places, l)
	if p.proven {
		p.home.proven--
		n.proven--
	} else {
		n.drop(p.home, l)
		n.fresh--
	}
	n.tidy(p.home)
	n.free()
}

// drop takes a lane out of the newcomers of an address.
func (n *newcomers) drop(h *home, l *Lane) {
	if i := slices.Index(h.fresh, l); i >= 0 {
		h.fresh = slices.Delete(h.fresh, i, i+1)
		n.resize(len(h.fresh)+1, h)
	}
}

// unqueue takes a lane out of those that wait. The caller has mu.
func (n *newcomers) unqueue(l *Lane, p *place) {
	i := slices.Index(p.home.waiting, l)
	p.home.waiting = slices.Delete(p.home.waiting, i, i+1)
	n.waiting--
	n.tidy(p.home)
}

// age forgets what has been held for an address for its time.
func (h *home) age(now time.Time) {
	over := func(t time.Time) bool { return now.Sub(t) >= newcomerTime }
	h.held = slices.DeleteFunc(h.held, over)
	h.left = slices.DeleteFunc(h.left, func(d departed) bool { return over(d.at) })
}

// tidy forgets an address that has nothing.
func (n *newcomers) tidy(h *home) {
	if h.proven == 0 && len(h.fresh)+len(h.waiting)+len(h.held)+len(h.left) == 0 {
		delete(n.homes, h.from)
	}
}

// free says that somebody may come in. The caller has mu.
func (n *newcomers) free() {
	if n.waiting > 0 {
		poke(n.freed)
	}
}

// expire forgets what is over.
func (n *newcomers) expire(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range n.homes {
		h.age(now)
		n.tidy(h)
	}
	for worker, last := range n.vouched {
		if now.Sub(last) >= newcomerTime {
			delete(n.vouched, worker)
		}
	}
}

// seat lets in those that wait, as many as there is room for, the addresses in turn;
// displaced are those that have to give way for them.
func (n *newcomers) seat(now time.Time) (in, displaced []*Lane) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting == 0 {
		return nil, nil
	}
	var queues []*home
	for _, h := range n.homes {
		if len(h.waiting) > 0 {
			h.age(now)
			queues = append(queues, h)
		}
	}
	for len(queues) > 0 {
		queues = slices.DeleteFunc(queues, func(h *home) bool {
			l := h.waiting[0]
			p := n.places[l]
			gone, ok := n.makeRoom(p, now)
			if !ok {
				return true
			}
			n.unqueue(l, p)
			n.letIn(l, p, gone, now)
			in = append(in, l)
			if gone != nil {
				displaced = append(displaced, gone)
			}
			return len(h.waiting) == 0
		})
	}
	return in, displaced
}

// seatAll lets in those that wait until ctx ends.
func (n *newcomers) seatAll(ctx context.Context, still *standstill) {
	tick := time.NewTicker(seatPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.freed:
		case <-tick.C:
			n.expire(time.Now())
		}
		n.look(time.Now(), still)
	}
}

// look lets in those that there is room for now, unless the directory is frozen: then
// it waits.
func (n *newcomers) look(now time.Time, still *standstill) {
	still.enter()
	defer still.leave()
	in, displaced := n.seat(now)
	for _, l := range displaced {
		l.dismiss()
	}
	for _, l := range in {
		l.goal.begin(l)
	}
}

// full reports that there is no place left, whoever comes.
func (n *newcomers) full() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fresh+n.proven >= n.max
}

// taken returns how many places are taken.
func (n *newcomers) taken() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fresh + n.proven
}

// room returns how many places there are.
func (n *newcomers) room() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.max
}

// makePlaces makes so many places of them from now on. Who has one keeps it.
func (n *newcomers) makePlaces(max int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.max = max
}
