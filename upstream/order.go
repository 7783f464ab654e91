package upstream

import (
	"maps"
	"time"
)

// PoolOrder is what the operator wants of a pool, besides what it is configured for.
type PoolOrder uint8

const (
	Enabled  PoolOrder = iota // it is used as configured
	Drained                   // nobody gets new work from it; it is left for another one, and still probed
	Disabled                  // the same, and nothing connects to it
)

// String is the word for it in the API and the log.
func (o PoolOrder) String() string { return [...]string{"enabled", "drained", "disabled"}[o] }

// Order says what the operator wants of pools, by their names; those that are not in the
// map are enabled. It holds until the next call. Any goroutine but an event loop.
//
// A drained pool is left like one that others are preferred to: its miners get a clean job
// from the next pool of their goal, and its link ends when their last shares have verdicts.
// Where the goal has no other pool, the miners that are still there keep it; those of a
// disabled one keep their last job.
func (d *Directory) Order(orders map[string]PoolOrder) {
	d.still.enter()
	defer d.still.leave()
	d.mu.Lock()
	d.orders = maps.Clone(orders)
	for key, e := range d.endpoints {
		if is := orders[key.name]; e.order.Swap(uint32(is)) != uint32(is) {
			d.log.Info("pool "+is.String()+" by the operator", "pool", key.name)
		}
	}
	d.mu.Unlock()
	for _, g := range d.Goals() {
		g.rouse()
	}
}

// ordered returns what the operator wants of the pool.
func (e *endpoint) ordered() PoolOrder { return PoolOrder(e.order.Load()) }

// takesMiners reports whether miners can get work from the pool, as far as is known.
func (p *pool) takesMiners() bool { return p.ordered() == Enabled && p.able() }

// able is takesMiners without the operator's orders.
func (p *pool) able() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.serving > 0 || p.attempted.IsZero() || !p.since.IsZero() && !p.reach.down && !time.Now().Before(p.cool)
}

// GoalPool is a pool of a goal, as it is now.
type GoalPool struct {
	Name   string
	Serves bool // the goal's miners work there
	Able   bool // they can work there, as far as is known, unless an operator has it left alone
}

// Pools returns the goal's pools, the preferred one first.
func (g *Goal) Pools() []GoalPool {
	list := make([]GoalPool, 0, len(g.list()))
	for _, p := range g.list() {
		list = append(list, GoalPool{p.Name, p.serves(), p.able()})
	}
	return list
}

// employs reports that the goal's miners are to work at a pool: it leads there, and the
// operator has not ordered otherwise.
func (g *Goal) employs(p *pool) bool { return g.leads(p) && p.ordered() == Enabled }

// rouse has the goal's lanes look at once.
func (g *Goal) rouse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.lanes {
		l.rouse()
	}
}

// leaveOrdered ends the serving link if its pool is drained and nobody is on the lane any
// more, or if the pool is disabled; in both cases once its shares have verdicts. The link
// to another pool that is under way, or can be tried now, replaces it anyway: until then
// miners' shares have a place to go.
func (l *Lane) leaveOrdered(now time.Time) {
	k := l.serving
	order := k.pool.ordered()
	if order == Enabled {
		k.tenure.unwanted = time.Time{}
		return
	}
	if k.tenure.unwanted.IsZero() {
		k.tenure.unwanted = now
	}
	if len(l.candidates) > 0 || l.next(now) != nil || order == Drained && l.goal.membersOf(l) > 0 {
		return
	}
	if l.pending.Load() == 0 || now.Sub(k.tenure.unwanted) >= drainTime {
		k.drop(errOrdered)
	}
}
