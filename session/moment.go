package session

import (
	"math"
	"time"
)

// moment is a time like Env.Now in 4 bytes, since each miner's session has four of them.
// It counts sixteenths of a second, enough for the four years around the start of the
// process, and is rounded up: nothing happens before its time.
type moment int32

const momentLength = time.Second / 16

func momentOf(t time.Duration) moment {
	n := t / momentLength
	if t%momentLength > 0 {
		n++
	}
	return moment(min(max(n, math.MinInt32), math.MaxInt32))
}

func (m moment) time() time.Duration { return time.Duration(m) * momentLength }

// move shifts the origin of the time back by by.
func (m *moment) move(by time.Duration) { *m = momentOf(m.time() + by) }

// layout encodes or decodes a moment, in nanoseconds.
func (m *moment) layout(c *cursor) {
	t := m.time()
	number(c, &t)
	*m = momentOf(t)
}
