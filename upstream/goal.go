package upstream

import (
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxLinks bounds the lanes of an aggregated goal, whatever the number of
	// miners: one for each group, and maxSpare beyond these.
	maxLinks = 1024
	maxSpare = maxLinks - maxGroups

	// retireTime is how long a retired goal waits for its miners to leave, and
	// for verdicts; a private group that was released, for verdicts.
	retireTime = 10 * time.Second
)

// Goal is one part of a route: an ordered list of pools and the lanes that lead there. A
// route that is not split has one. Its methods may be called from any goroutine.
//
// A kept goal's lanes stay, and so do their links; its pools are probed. Other
// goals' lanes, those of a direct goal, which have one miner each, and those of
// private groups are opened with their first miner and end some time after the last
// one left.
type Goal struct {
	Kind
	form
	directory *Directory
	route     *Route // nil: nobody can be on it
	account   string // the route's
	serves    atomic.Pointer[GoalEntry]
	pools     atomic.Pointer[[]*pool]
	log       *slog.Logger
	worked    total

	mu      sync.Mutex
	lanes   map[Prefix]*Lane // by the least prefix that they serve
	widths  [2]map[uint32]int
	spare   int // lanes that there may be beyond one for each group
	members int
	retired time.Time // zero: it is not
}

// newGoal returns a goal of the route. The caller has Directory.mu, or is alone.
func (r *Route) newGoal(e GoalEntry) *Goal {
	g := &Goal{
		Kind: r.Kind, form: e.form(), directory: r.directory, route: r, account: r.ID().Account, log: r.directory.log,
		lanes: make(map[Prefix]*Lane), spare: maxSpare,
	}
	if g.account != "" {
		g.log = g.log.With("account", g.account)
	}
	if name := r.ID().Route; name != "" {
		g.log = g.log.With("route", name)
	}
	if e.Name != "" {
		g.log = g.log.With("goal", e.Name)
	}
	if g.agents {
		g.directory.prefixes.serveAgents()
	}
	g.pools.Store(new([]*pool))
	g.serves.Store(new(GoalEntry))
	g.lead(e)
	return g
}

// lead has the goal be the one of an entry from now on, and reports whether its pools are
// others. What is known of those that it led to before is kept. The caller has
// Directory.mu, or is alone.
func (g *Goal) lead(e GoalEntry) (others bool) {
	was := g.serves.Swap(&e)
	if slices.EqualFunc(was.Pools, e.Pools, func(p, q Pool) bool { return p.equal(&q) }) {
		return false
	}
	before := slices.Clone(g.list())
	pools := make([]*pool, len(e.Pools))
	for i := range e.Pools {
		p := &e.Pools[i]
		if j := slices.IndexFunc(before, func(b *pool) bool { return b != nil && b.Pool.equal(p) }); j >= 0 {
			pools[i], before[j] = before[j], nil // each once
			continue
		}
		pools[i] = newPool(*p, g.directory.endpoint(p, i), &g.directory.state)
	}
	g.pools.Store(&pools)
	return true
}

// failover says when the goal's pools are left and come back to, now.
func (g *Goal) failover() *Failover { return g.directory.failover() }

// list returns the pools that the goal leads to, the preferred one first. Any
// goroutine; a lane may still have links to others.
func (g *Goal) list() []*pool { return *g.pools.Load() }

// leads reports that the goal leads to a pool.
func (g *Goal) leads(p *pool) bool { return slices.Contains(g.list(), p) }

// Account returns the name of the account or user that the goal serves; "" where
// it serves everybody else.
func (g *Goal) Account() string { return g.account }

// Route returns the route that the goal is, or was, a part of.
func (g *Goal) Route() *Route { return g.route }

// Name returns what tells the goal from the others of its route; "" where there is one.
func (g *Goal) Name() string { return g.serves.Load().Name }

// Weight returns the goal's, as configured.
func (g *Goal) Weight() float64 { return g.serves.Load().Weight }

// Split reports whether the goal is one of several.
func (g *Goal) Split() bool { return g.route != nil && g.route.Split() }

// Members returns how many miners are at the goal.
func (g *Goal) Members() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members
}

// Direct reports that each miner of the goal has a link of its own.
func (g *Goal) Direct() bool { return g.direct }

// Names returns what metrics call the goal's pool and its algorithm: of
// several pools the most preferred in use, else the most preferred.
func (g *Goal) Names() (pool, algorithm string) {
	list := g.list()
	p := list[0]
	for _, other := range list {
		if other.serves() {
			p = other
			break
		}
	}
	if p.Algorithm.Name == "" {
		return p.Name, "sha256d"
	}
	return p.Name, p.Algorithm.Name
}

// mask returns the version bits that the goal's miners may roll before they
// have a job: those of its most preferred pool in use, else of the most
// preferred that is known, else the usual ones.
func (g *Goal) mask() uint32 {
	remembered, found := uint32(maskDefault), false
	for _, p := range g.list() {
		_, mask, known := p.state.get(p.URL)
		if known && p.serves() {
			return mask
		}
		if known && !found {
			remembered, found = mask, true
		}
	}
	return remembered
}

// Fits reports that a miner with that prefix has room at a pool of the goal, as
// far as is known, and can work at all that it has room at. One that does not fit
// has to get another prefix.
func (g *Goal) Fits(x Prefix) bool {
	if g.agents && x.noSID() {
		return false
	}
	for _, p := range g.list() {
		if p.fits(x) {
			return true
		}
	}
	return false
}

// link notes that a link serves the lane, or none does any more.
func (l *Lane) link(linked bool, now time.Time) {
	l.goal.mu.Lock()
	defer l.goal.mu.Unlock()
	l.linked = linked
	if !linked {
		l.unlinked = now
	}
}

// keeps reports that the goal's lanes stay without a miner. A direct one's have
// nobody then.
func (g *Goal) keeps() bool { return g.Kept && !g.direct }

// Join makes a miner a member of the lane that serves its prefix, and opens
// the lane where need be. It never blocks on I/O. Each Join wants one
// Lane.Leave.
func (g *Goal) Join(m Member) *Lane {
	g.mu.Lock()
	defer g.mu.Unlock()
	voucher := ""
	if m.Record {
		voucher = m.Login
		g.route.settle()
	}
	l := g.enter(m.Prefix, m.Address, m.Login, voucher)
	l.roster.put(m)
	l.known(m)
	return l
}

// enter takes one more member into the lane that serves a prefix: see
// newcomers.enter. The caller has mu.
func (g *Goal) enter(p Prefix, from netip.Addr, login, voucher string) *Lane {
	l := g.lane(p)
	if l.members == 0 && !l.linked && !l.kept() {
		l.unlinked = time.Now()
	}
	l.members++
	g.members++
	who := g.account
	if g.direct || l.key.private() {
		who = login
	}
	g.admit(l, from, who, voucher)
	return l
}

// admit has a lane run that has a place; one that has none waits for it, at test work
// if its address has too many newcomers. The caller has mu.
func (g *Goal) admit(l *Lane, from netip.Addr, who, voucher string) {
	if l.kept() {
		g.runLane(l)
		return
	}
	places := l.places()
	ok, displaced := places.enter(l, homeOf(from), who, voucher, time.Now())
	if displaced != nil {
		displaced.dismiss()
	}
	switch {
	case ok:
		g.runLane(l)
	case places.full():
		g.directory.noRoom(places)
	case places.crowd(l):
		l.test() // else a share would change nothing, and the miner may look elsewhere
		g.directory.crowded(homeOf(from))
	}
}

// begin has a lane run that has waited for its place.
func (g *Goal) begin(l *Lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lanes[l.key] == l { // else nobody is there any more
		g.runLane(l)
	}
}

// lane returns the lane that serves a prefix, opened. The caller has mu.
func (g *Goal) lane(p Prefix) *Lane {
	switch {
	case p.private():
		return g.open(Prefix{Group: p.Group, Len: p.Len})
	case g.direct:
		return g.open(p)
	}
	width := g.width(p)
	if g.keeps() && g.directory.prefixes.isFirst(p) {
		for i := range width { // the first group's links are up before its miners come
			g.runLane(g.open(Prefix{p.Group, uint16(i), p.Len}))
		}
	}
	return g.open(Prefix{p.Group, p.Value % uint16(width), p.Len})
}

// openGroup opens the lanes of p's group.
func (g *Goal) openGroup(p Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lane(p)
}

// width returns how many lanes p's group has. Each group of 2-byte prefixes has
// as many as the pools' links ask for, as has the first one of 1-byte prefixes;
// further ones of these have one lane each: they are many as it is.
func (g *Goal) width(p Prefix) int {
	widths := g.widths[p.Len-1]
	if w := widths[p.Group]; w > 0 {
		return w
	}
	w := 1
	if p.Len == 2 || len(widths) == 0 {
		w += min(g.links-1, g.spare)
	}
	g.spare -= w - 1
	if widths == nil {
		widths = make(map[uint32]int)
		g.widths[p.Len-1] = widths
	}
	widths[p.Group] = w
	return w
}

// open returns the lane with that key, a new one where there is none.
func (g *Goal) open(key Prefix) *Lane {
	l := g.lanes[key]
	if l == nil {
		l = newLane(g, key, g.directory.takeNumber())
		g.lanes[key] = l
		l.first = g.directory.prefixes.isFirst(key)
		if key.private() {
			g.directory.prefixes.opened(l)
		}
	}
	return l
}

// runLane starts a lane's supervisor, once, and begins to watch its pools. The caller
// has mu.
func (g *Goal) runLane(l *Lane) {
	if !l.running && !g.directory.heir.waits.Load() {
		l.running = g.directory.run(l.supervise)
		g.watchAll()
	}
}

// start starts the lanes that were opened before the directory was started.
func (g *Goal) start() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.directory.heir.waits.Load() {
		return
	}
	for _, l := range g.lanes {
		inherited := g.directory.heir.lanes[l.id] == l
		if !inherited && (l.members == 0 || l.kept()) {
			l.unlinked = time.Now()
		}
		if known, seated := l.places().standing(l); seated || len(l.adopted) > 0 {
			g.runLane(l)
		} else if !known {
			g.admit(l, netip.Addr{}, "", "")
		}
	}
	g.watchAll()
}

// relook has the lanes look at the pools that the goal leads to now.
func (g *Goal) relook() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log.Info("these miners now have other pools; they stay connected, and their links change", "miners", g.members)
	for _, l := range g.lanes {
		l.rouse()
	}
	g.watchAll()
}

// retire lets the goal end: no miner comes to it any more.
func (g *Goal) retire(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.retired = now
	g.log.Info("the pools of these miners changed or were removed: the miners move, and the old links end", "miners", g.members)
	for _, l := range g.lanes {
		l.rouse()
	}
}

// leave takes a member out of a lane. over says that the lane ends: it never ran, and
// waits for nobody any more. One that has epochs has run, in the process before this one,
// whose links and shares it has: it ends when it runs here.
func (g *Goal) leave(l *Lane) (over bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members--
	l.members--
	if l.members > 0 {
		return false
	}
	l.idle = time.Now()
	if !l.running && !l.kept() && len(*l.epochs.Load()) == 0 && g.lanes[l.key] == l {
		delete(g.lanes, l.key)
		return true
	}
	if !g.retired.IsZero() {
		l.rouse()
	}
	return false
}

// hasMiners reports that a miner works at the goal.
func (g *Goal) hasMiners() bool { return g.Members() > 0 }

// isEmpty reports that the goal has no lanes.
func (g *Goal) isEmpty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.lanes) == 0
}

// membersOf returns how many miners a lane has.
func (g *Goal) membersOf(l *Lane) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return l.members
}

// lapsed reports that a lane is to end, and then takes it out: nobody joins it
// any more.
func (g *Goal) lapsed(l *Lane, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	over, released := false, time.Time{}
	if l.key.private() {
		released = g.directory.prefixes.released(l.key.Group)
	}
	switch {
	case l.dismissed.Load():
		over = true
	case !released.IsZero():
		over = l.pending.Load() == 0 || now.Sub(released) >= retireTime
	case !g.retired.IsZero():
		over = l.members == 0 && l.pending.Load() == 0 || now.Sub(g.retired) >= retireTime
	case l.members == 0 && !l.kept():
		over = now.Sub(l.idle) >= g.directory.letGo
	}
	if over {
		delete(g.lanes, l.key)
	}
	return over
}
