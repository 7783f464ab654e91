package proxy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"farmproxy/alert"
	"farmproxy/api"
	"farmproxy/balance"
	"farmproxy/config"
	"farmproxy/plain"
	"farmproxy/wish"
)

// ordering is an order that would be given: what is ordered before it and after it, and what
// runs. All that is said of what orders do is said here.
type ordering struct {
	facts
	sentences
	known         known
	before, after *wish.Orders
	now           time.Time
}

// tell says what the order does, whose answer that is.
func (c *ordering) tell(ctx context.Context, answer any) error {
	was, is := c.after.Changed(c.before)
	if m, placed := answer.(*api.Moved); placed {
		c.ofMove(m, was)
		return nil
	}
	order := is
	if order == nil {
		order = was
	}
	switch {
	case order == nil:
		c.say("Nothing changes: there is no such order.") // only a pool can be enabled that is
	case order.Kind == wish.OfWeights:
		return c.ofWeights(ctx, order.Name, was, is)
	case order.Kind == wish.OfPool:
		return c.ofPool(ctx, order.Name, was, is)
	case order.Kind == wish.OfGroup:
		c.ofGroup(order.Name, was, is)
	default:
		c.say("%s stays where it is, and may be moved again, to keep the split of its route.", order.Name)
		c.undoes(was, is)
	}
	return nil
}

// minersDo says that so many miners do something.
func minersDo(n int, one, more string) string {
	if n == 1 {
		more = one
	}
	return plain.Several(n, "miner") + " " + more
}

// undoes says which order is not in force any more.
func (c *ordering) undoes(was, is *wish.Order) {
	if was == nil {
		return
	}
	what := was.By + " ordered: " + was.What
	if !was.Until.IsZero() {
		what += ", until " + plain.Moment(was.Until)
	}
	if is == nil {
		c.say("This takes back what %s.", what)
	} else {
		c.say("This replaces what %s.", what)
	}
}

// ends says until when an order is in force, and what is then.
func (c *ordering) ends(until time.Time, then string) {
	if until.IsZero() {
		c.say("It holds until it is taken back: then %s.", then)
	} else {
		c.say("It ends by itself at %s: then %s.", plain.Moment(until), then)
	}
}

// ofMove is about a worker that is moved or pinned.
func (c *ordering) ofMove(m *api.Moved, was *wish.Order) {
	goal := "goal " + m.Goal + " of route " + m.Route
	if m.Moved > 0 {
		c.say("To %s: %s of %s, at once, each by a clean job on the connection that it has.", goal, plain.Several(m.Moved, "miner"), m.Worker)
	}
	if m.Stayed > 0 {
		c.say("At %s already: %s of %s.", goal, plain.Several(m.Stayed, "miner"), m.Worker)
	}
	for _, r := range m.Refused {
		c.say("Not moved: %s of %s; %s.", plain.Several(r.Miners, "miner"), m.Worker, r.Reason)
	}
	if m.Pin == nil {
		c.say("It may be moved again later, to keep the split.")
		return
	}
	if m.Moved+m.Stayed+len(m.Refused) == 0 {
		c.say("No miner of %s is here: the next one that comes goes to %s.", m.Worker, goal)
	}
	c.say("It stays there, and the others are balanced around it.")
	if !c.known.works(m.Route, m.Goal) {
		c.say("No pool of goal %s is up: it works elsewhere until one is.", m.Goal)
	}
	_, is := c.after.Changed(c.before)
	c.undoes(was, is)
	until := time.Time{}
	if m.Pin.Until != nil {
		until = *m.Pin.Until
	}
	c.ends(until, "it may be moved again, to keep the split")
}

// ofGroup is about miners that are off on purpose.
func (c *ordering) ofGroup(group string, was, is *wish.Order) {
	whose := "all miners"
	if group != "" {
		whose = "group " + group
	}
	if is == nil {
		if old, _ := c.before.CurtailmentOf(group); c.now.Before(old.From) {
			c.say("It has not begun: nothing else changes.")
		} else {
			c.say("Alerts speak of %s again in %s, when its miners have booted.", whose, config.Short(alert.Settle))
		}
		if until, all := c.after.Curtailed(c.now)[""]; all && group != "" {
			c.say("All miners are off on purpose until %s: no alert speaks of this group either.", plain.Moment(until))
		}
		c.undoes(was, is)
		return
	}
	from := "now"
	if order, _ := c.after.CurtailmentOf(group); order.From.After(c.now) {
		from = plain.Moment(order.From)
	}
	known, up := c.known.workers(group)
	c.say("From %s until %s, and for %s after that, no alert speaks of %s: %s, %s of them up now.", from, plain.Moment(is.Until), config.Short(alert.Settle), whose, plain.Several(known, "worker"), plain.Count(up))
	c.say("No miner is switched off by it.")
	c.undoes(was, is)
}

// ofWeights is about the weights of a route.
func (c *ordering) ofWeights(ctx context.Context, name string, was, is *wish.Order) error {
	r, there := c.known.route(name)
	if !there {
		c.say("There is no route %s any more: nothing else changes.", name)
		c.undoes(was, is)
		return nil
	}
	if _, err := c.divides(ctx, &r); err != nil {
		return err
	}
	if is != nil {
		c.say("It comes before the configuration and its schedule.")
	}
	c.undoes(was, is)
	if is != nil {
		usual, end := c.after.Clone(), is.Until
		usual.Unweigh(name)
		if end.IsZero() {
			end = c.now
		}
		var said []string
		for _, w := range usual.Weights(&r, end) {
			said = append(said, w.Goal+" "+plain.Number(w.Weight))
		}
		c.ends(is.Until, "the weights are "+strings.Join(said, ", "))
	}
	c.say("No miner is disconnected.")
	return nil
}

// works reports whether miners can work at a goal, as far as is known, if those pools are left
// alone. A goal that nobody uses may work.
func (c *ordering) works(key goalKey, left map[string]wish.PoolState) bool {
	at := slices.IndexFunc(c.inUse, func(g goalFacts) bool { return g.goalKey == key })
	return at < 0 || c.inUse[at].works(left)
}

func (g *goalFacts) works(left map[string]wish.PoolState) bool {
	to, _ := g.serving(left)
	return to != ""
}

// serving returns the pool that the goal's miners work at if those pools are left alone: the
// one that does now, or that they go to; "": none that is known to work. later: only once it
// has been healthy for long.
func (g *goalFacts) serving(left map[string]wish.PoolState) (name string, later bool) {
	first, now := "", ""
	for _, p := range g.pools {
		if _, alone := left[p.Name]; alone {
			continue
		}
		if p.Serves {
			now = p.Name
			break
		}
		if first == "" && p.Able {
			first = p.Name
		}
	}
	if first != "" {
		return first, now != ""
	}
	return now, false
}

// now returns the pool that the goal's miners work at; "": none.
func (g *goalFacts) now() string {
	for _, p := range g.pools {
		if p.Serves {
			return p.Name
		}
	}
	return ""
}

// parts returns how a route is divided by some orders.
func (c *ordering) parts(r *wish.Route, by *wish.Orders) (wanted []balance.Goal) {
	left := by.Pools(c.now)
	works := func(goal string) bool { return c.works(goalKey{r.Name, goal}, left) }
	for i, fraction := range wish.Fractions(by.Weights(r, c.now), works) {
		wanted = append(wanted, balance.Goal{Wish: fraction, Open: works(r.Goals[i].Name)})
	}
	return wanted
}

// divides says how a route is divided, and who moves. It returns how many miners are left, by
// goal, where nobody is to work.
func (c *ordering) divides(ctx context.Context, r *wish.Route) (stuck map[string]int, err error) {
	before, after := c.parts(r, c.before), c.parts(r, c.after)
	said, differs := make([]string, len(after)), false
	for i, g := range after {
		was, is := percent(before[i].Wish), percent(g.Wish)
		said[i] = r.Goals[i].Name + " " + is
		if was != is {
			differs, said[i] = true, r.Goals[i].Name+" "+was+" → "+is
		}
		if !g.Open {
			said[i] += " (no pool of it takes miners)"
		}
	}
	how := "is divided otherwise"
	if !differs {
		how = "is divided as before"
	}
	c.say("Route %s %s: %s.", r.Name, how, strings.Join(said, ", "))
	f, err := c.known.flows(ctx, r.Name, after, c.after.Pins(r.Name, c.now))
	if err != nil {
		return nil, err
	}
	c.flow(f)
	stuck = make(map[string]int)
	for i, g := range after {
		if name := r.Goals[i].Name; !g.Open && f.at[name] > f.leaving(name) {
			stuck[name] = f.at[name] - f.leaving(name)
		}
	}
	return stuck, nil
}

// flow says who moves on a route.
func (s *sentences) flow(f *flow) {
	for _, way := range slices.SortedFunc(maps.Keys(f.moves), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		s.say("From goal %s to goal %s: about %s within minutes, each by a clean job on the connection that it has.", way[0], way[1], plain.Several(f.moves[way], "miner"))
	}
	total := 0
	for _, n := range f.at {
		total += n
	}
	if total == 0 {
		s.say("No miner is on it now: those that come are divided so.")
	} else if stay := total - f.going(); stay > 0 {
		s.say("%s.", stays(stay, f))
	}
}

// stays says how many miners stay, and why those that could not move.
func stays(n int, f *flow) string {
	text := minersDo(n, "stays at its goal", "stay at their goals")
	if f.pinned > 0 {
		text += fmt.Sprintf(", %s by a pin", plain.Count(f.pinned))
	}
	if f.agents > 0 {
		text += fmt.Sprintf(", %s behind agents", plain.Count(f.agents))
	}
	return text
}
