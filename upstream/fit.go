package upstream

import "slices"

// Fit says whether a miner can work at a goal.
type Fit uint8

const (
	Fits      Fit = iota
	TooSmall      // its pools leave less extranonce2 than the miner's prefix needs
	FewerBits     // they let fewer version bits roll than the miner does
)

// String says it in the log and the API.
func (f Fit) String() string {
	return [...]string{"fits", "the pool's extranonce2 is too small for the miner's", "the pool allows fewer version bits than the miner rolls"}[f]
}

// Fit reports whether a miner with that prefix, which rolls the version bits of mask (0:
// none), can work at the goal, as far as is known of its pools: at those that serve, or
// would if there were no link. The zero Prefix stands for one that is yet to be chosen.
func (g *Goal) Fit(x Prefix, mask uint32) Fit {
	switch {
	case x.Len > 0 && !g.roomNow(x):
		return TooSmall
	case mask&^g.mask() != 0:
		return FewerBits
	}
	return Fits
}

// roomNow reports whether the pools that serve have room for a prefix; if none does, a pool
// that may.
func (g *Goal) roomNow(x Prefix) bool {
	serve, fit := 0, 0
	for _, p := range g.list() {
		if p.serves() {
			serve++
			if p.fits(x) {
				fit++
			}
		}
	}
	return serve == fit && g.Fits(x)
}

// Takes reports what keeps a miner from working at the goal from this moment on: whether it
// fits, and whether its lane there has a job. ready is false if it has none yet; the lane
// is then opened, and stays for a while.
func (g *Goal) Takes(m Member, mask uint32) (fit Fit, ready bool) {
	if fit = g.Fit(m.Prefix, mask); fit != Fits {
		return fit, false
	}
	g.mu.Lock()
	l := g.enter(m.Prefix, m.Address, m.Login, "")
	g.mu.Unlock()
	ready = l.servingLink() != nil && l.Latest().Job != nil
	l.leaveGoal()
	return Fits, ready
}

// commonMask returns the version bits that all goals allow which allow any: so many a
// miner rolls, whichever it works at. A goal that allows none is not for miners that roll.
func (r *Route) commonMask() uint32 {
	list := r.list()
	if len(list) == 1 {
		return ^uint32(0)
	}
	common := ^uint32(0)
	for _, g := range list {
		if mask := g.mask(); mask != 0 {
			common &= mask
		}
	}
	return common
}

// Mask returns the version bits that a miner at the goal may roll, of those that its lane's
// pool allows.
func (g *Goal) Mask(allowed uint32) uint32 {
	if !g.Split() {
		return allowed
	}
	return allowed & g.route.commonMask()
}

// Up reports whether miners can work at the goal, as far as is known: one of its pools
// serves, is healthy, or was never tried, and is not drained.
func (g *Goal) Up() bool { return slices.ContainsFunc(g.list(), (*pool).takesMiners) }
