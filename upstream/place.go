package upstream

import (
	"math"
	"slices"
)

// Which goal of a split route a miner gets when it logs in. Later it is whoever balances
// the route that moves miners; here only newcomers are dealt out, so that the route is near
// its wishes from the first miner on.

// Steering says how a route's newcomers are placed: as seen at some moment, from which on
// the newcomers are counted. Immutable.
type Steering struct {
	Goals map[string]Steer  // by the names of goals; one that is missing has its weight, and no work
	Pins  map[string]string // the goal that a worker stays at, by its name as booked
}

// Steer is what a route wants of one goal, and has there.
type Steer struct {
	Wish float64 // part of the route's work that the goal is to have, 0..1
	Rate float64 // work per second that its miners do, in shares of difficulty 1
}

// steering is a Steering with what it counts from.
type steering struct {
	Steering
	members map[*Goal]int // miners at that moment
	each    float64       // the work per second of a miner that nothing is known of
}

// Steer has newcomers placed by s from now on, until the next call; nil: by the weights.
func (r *Route) Steer(s *Steering) {
	if s == nil {
		r.steering.Store(nil)
		return
	}
	x := &steering{*s, make(map[*Goal]int), 1}
	var rate float64
	miners := 0
	for _, g := range r.list() {
		x.members[g] = g.Members()
		miners += x.members[g]
		rate += s.Goals[g.Name()].Rate
	}
	if rate > 0 && miners > 0 {
		x.each = rate / float64(miners)
	}
	r.steering.Store(x)
}

// unsteered is what counts until somebody has looked.
var unsteered = &steering{each: 1}

// wish returns the part of the work that a goal is to have, or a multiple of it that is the
// same for all.
func (s *steering) wish(g *Goal) float64 {
	if is, ok := s.Goals[g.Name()]; ok {
		return is.Wish
	}
	return g.Weight()
}

// load returns the work per second that a goal has, as far as is known: what was seen, and
// an ordinary miner's for each that has come since.
func (s *steering) load(g *Goal) float64 {
	return s.Goals[g.Name()].Rate + s.each*float64(g.Members()-s.members[g])
}

// place returns the goal of a split route for a miner: the one that it is pinned to, the
// one that it is at, or the one that is furthest below its wish. One that it can't work at,
// or that is down, gets it only if there is no other.
func (r *Route) place(c *Caller) *Goal {
	list := r.list()
	if len(list) == 1 {
		return list[0]
	}
	s := r.steering.Load()
	if s == nil {
		s = unsteered
	}
	if name, pinned := s.Pins[c.Login]; pinned {
		if g := r.Goal(name); g != nil && g.Fit(c.Prefix, c.Mask) == Fits {
			return g
		}
	}
	if c.On != nil && c.On.Up() && slices.Contains(list, c.On) {
		return c.On
	}
	for _, may := range []func(*Goal) bool{
		func(g *Goal) bool { return s.wish(g) > 0 && g.Up() && g.Fit(c.Prefix, c.Mask) == Fits },
		func(g *Goal) bool { return g.Up() && g.Fit(c.Prefix, c.Mask) == Fits },
		func(g *Goal) bool { return s.wish(g) > 0 && g.Fit(c.Prefix, c.Mask) == Fits },
	} {
		if g := s.furthest(list, may); g != nil {
			return g
		}
	}
	return s.furthest(list, func(*Goal) bool { return true })
}

// furthest returns which of the goals that may is furthest below its wish; nil: none may.
// That is the one that has least for what it is wished, with the newcomer: how much work
// this one does is not known, and where much is wished it does the least harm.
func (s *steering) furthest(list []*Goal, may func(*Goal) bool) (furthest *Goal) {
	least := math.Inf(1)
	for _, g := range list {
		if !may(g) {
			continue
		}
		has := (s.load(g) + s.each) / s.wish(g) // +Inf where nothing is wished
		if furthest == nil || has < least {
			furthest, least = g, has
		}
	}
	return furthest
}
