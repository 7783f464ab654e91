package upstream

import "time"

// A pool may change at any time what miners have to be told at once: its version
// mask, its extranonce. One that does so all the time must not keep tens of
// thousands of miners busy.

const (
	// widenAfter is how long a mask has not been narrowed before miners are given
	// more bits again. It costs them a minute of some of their efficiency, once.
	widenAfter = time.Minute

	// maxEpochs is how many changes of the extranonce in a minute are borne without
	// a word: each makes all that miners work on worthless. Pools that hand on other
	// pools' work change it some times an hour.
	maxEpochs = 10
)

// offeredMask is what miners are told of the version bits that a pool lets them
// roll. Fewer bits are told at once, since the others are refused from now on;
// more only with the first job widenAfter the last time that there were fewer. So
// a pool that alternates masks is one change, to what all of them allow.
type offeredMask struct {
	mask     uint32
	narrowed time.Time // when bits were last taken away; zero: never
}

// follow takes note of the pool's mask.
func (o *offeredMask) follow(mask uint32, now time.Time) {
	if !o.narrowed.IsZero() && now.Sub(o.narrowed) < widenAfter {
		mask &= o.mask
	}
	if o.mask&^mask != 0 {
		o.narrowed = now
	}
	o.mask = mask
}

// epochCount counts the changes of a pool's extranonce.
type epochCount struct {
	n     int
	since time.Time
}

// another counts one more, and reports, once a minute at most, that they are too
// many.
func (c *epochCount) another(now time.Time) (tooMany bool) {
	if now.Sub(c.since) >= time.Minute {
		c.n, c.since = 0, now
	}
	c.n++
	return c.n == maxEpochs+1
}
