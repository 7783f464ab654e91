package upstream

import "time"

// A pool may change at any time what miners must be told at once: its version mask, its
// extranonce. A pool that does so constantly must not keep tens of thousands of miners
// busy.

const (
	// widenAfter is how long a mask must not have narrowed before miners get more bits
	// again. The wait costs them a minute of some of their efficiency, once.
	widenAfter = time.Minute

	// maxEpochs is how many changes of the extranonce per minute are tolerated
	// silently: each makes all of the miners' work worthless. Pools that relay other
	// pools' work change it a few times an hour.
	maxEpochs = 10
)

// offeredMask is the mask offered to miners, of the version bits that a pool allows.
// Fewer bits are announced at once, because the others are refused from now on; more
// bits only with the first job widenAfter the last narrowing. So a pool that alternates
// masks causes one change, to what all of its masks allow.
type offeredMask struct {
	mask     uint32
	narrowed time.Time // when bits were last removed; zero: never
}

// follow takes the pool's mask.
func (o *offeredMask) follow(mask uint32, now time.Time) {
	if !o.narrowed.IsZero() && now.Sub(o.narrowed) < widenAfter {
		mask &= o.mask
	}
	if o.mask&^mask != 0 {
		o.narrowed = now
	}
	o.mask = mask
}

// epochCount counts changes of a pool's extranonce.
type epochCount struct {
	n     int
	since time.Time
}

// another counts one more change, and reports, at most once a minute, that there are
// too many.
func (c *epochCount) another(now time.Time) (tooMany bool) {
	if now.Sub(c.since) >= time.Minute {
		c.n, c.since = 0, now
	}
	c.n++
	return c.n == maxEpochs+1
}
