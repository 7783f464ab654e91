package netloop

import (
	"time"

	"farmproxy/session"
	"farmproxy/upstream"
)

// feed is one lane as seen by one loop: what it offers, and which of the loop's miners
// it serves. Jobs go out to them in chunks (fan-out), so that shares are not held up;
// cursor is the progress.
type feed struct {
	session.Feed
	lane     *upstream.Lane
	members  []*peer
	cursor   int // members before it have the job
	busy     bool
	clean    bool          // the current fan-out makes miners drop their work
	repeat   bool          // the fan-out is a keepalive: the same job again
	sent     time.Duration // when the last fan-out began, as Env.Now
	gone     bool          // there has been no pool for too long
	outgrown bool          // no working pool has room for its members: they get closed
	kept     int64         // shares accepted here that the lane has not been told of
	keptWork float64       // their work
	split    bool          // its goal is one of several
	pool     string        // whose jobs its members have; "": not known
	another  bool          // it was another one before: the fan-out tells the members' books
}

func newFeed(lane *upstream.Lane, now time.Duration) *feed {
	f := &feed{lane: lane, sent: now, split: lane.Goal().Split()}
	f.Direct, f.Lane = lane.Goal().Direct(), lane.ID()
	return f
}

// take shows miners what the lane offers now. It reports whether the job is new.
func (f *feed) take(p *upstream.Post) (isNew bool) {
	if last := f.Job(); last != nil && p.Job != nil && p.Job.Epoch != last.Epoch {
		f.tellKept() // while it is known whose they are
	}
	f.Least, f.split = p.Least, f.lane.Goal().Split()
	if p.Pool != "" && p.Pool != f.pool {
		f.pool, f.another = p.Pool, true
	}
	return f.Post(p.Job, p.Clean, f.lane.Goal().Mask(p.Mask), p.Difficulty)
}

// keep counts a share that was accepted here.
func (f *feed) keep(done float64) {
	f.kept++
	f.keptWork += done
}

// tellKept tells the lane of them.
func (f *feed) tellKept() {
	if f.kept == 0 {
		return
	}
	var epoch uint64
	if job := f.Job(); job != nil { // none: they were inherited
		epoch = job.Epoch
	}
	f.lane.Kept(f.kept, f.keptWork, epoch)
	f.kept, f.keptWork = 0, 0
}

func (f *feed) join(p *peer) {
	p.feed, p.place = f, uint32(len(f.members))
	f.members = append(f.members, p)
}

// leave removes a miner. During a fan-out, a member without the job must not move
// before the cursor, nor one with it behind.
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

// move moves the member at from into the hole at to; from becomes the hole.
func (f *feed) move(from, to int) (hole int) {
	if from != to { // the member at from may already have been moved, and its place with it
		f.members[to] = f.members[from]
		f.members[to].place = uint32(to)
	}
	return from
}

// begin starts a fan-out of the last job. One that is under way starts over: miners
// that it has not reached never see the previous job.
func (f *feed) begin(now time.Duration, clean, repeat bool) {
	f.clean = clean || f.busy && f.clean
	f.repeat = repeat
	f.busy, f.cursor, f.sent = true, 0, now
}
