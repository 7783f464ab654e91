package netloop

import (
	"time"

	"farmproxy/session"
	"farmproxy/upstream"
)

// feed is one lane as one loop sees it: what it offers, and the miners of this
// loop that it serves. Jobs go out to them in chunks (fan-out), so that shares
// are not held up; cursor says how far.
type feed struct {
	session.Feed
	lane     *upstream.Lane
	members  []*peer
	cursor   int // members before it have the job
	busy     bool
	clean    bool          // the fan-out under way drops what miners work on
	repeat   bool          // it is a keepalive: the same job again
	sent     time.Duration // when the last fan-out began, as Env.Now
	gone     bool          // there has been no pool for too long
	outgrown bool          // no pool that works has room for its members: they are closed
	kept     int64         // shares that were accepted here, and that the lane has not been told of
}

func (f *feed) join(p *peer) {
	p.feed, p.place = f, uint32(len(f.members))
	f.members = append(f.members, p)
}

// leave takes a miner out. During a fan-out a member that has not had the job
// must not slip in front of the cursor, nor one that has had it behind it.
func (f *feed) leave(p *peer) {
	hole := int(p.place)
	if f.busy && hole < f.cursor {
		f.cursor--
		hole = f.move(f.cursor, hole)
	}
	last := len(f.members) - 1
	f.move(last, hole)
	f.members[last] = nil
	f.members = f.members[:last]
	p.feed = nil
}

// move puts the member at from into the hole at to; from is the hole then.
func (f *feed) move(from, to int) (hole int) {
	if from != to { // the one at from may have been moved away already, and has its place
		f.members[to] = f.members[from]
		f.members[to].place = uint32(to)
	}
	return from
}

// begin starts a fan-out of the last job. One that is under way starts over:
// those that it has not reached never see the job before.
func (f *feed) begin(now time.Duration, clean, repeat bool) {
	f.clean = clean || f.busy && f.clean
	f.repeat = repeat
	f.busy, f.cursor, f.sent = true, 0, now
}
