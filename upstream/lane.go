package upstream

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/work"
)

// Lane is a stable slot of a route: at any time at most one link serves it.
//
// One supervisor goroutine decides which pool that is; it alone has candidates,
// draining links and timers. What others need is small:
//
//   - epochs, an atomic pointer to an immutable list: where Submit finds the
//     queue for a share's job. Any goroutine, no lock of the lane's.
//   - latest, an atomic pointer: what Latest returns.
//   - mu orders what is published. A link's reader offers its jobs under it, and
//     the supervisor switches links under it: so no job of a link that has been
//     replaced follows one of the link that replaced it. Downstream.Publish is
//     called with mu held, which is why it must not block.
//
// Every share that Submit took is, at any moment, in exactly one place: an
// epoch's queue, a link's names or again, a link's flight, or a dead link's
// remains on the supervisor's stack. From each a verdict comes.
type Lane struct {
	route  *Route
	number int // of the route's lanes
	prefix int // bytes: the length of its miners' prefixes
	log    *slog.Logger
	events chan event

	epochs atomic.Pointer[[]*epoch] // those that take shares, the newest first
	latest atomic.Pointer[Post]
	cleans atomic.Uint64 // clean posts published

	mu      sync.Mutex
	serving *link // written by the supervisor only

	// The supervisor's:
	candidates []*link
	draining   []*link
	current    *epoch    // what miners work on; nil before the first link
	orphaned   time.Time // when current lost its link; zero: it has one
	moves      map[*pool]string
}

func newLane(r *Route, number, prefix int) *Lane {
	l := &Lane{
		route: r, number: number, prefix: prefix,
		log:    r.log.With("lane", number),
		events: make(chan event),
		moves:  make(map[*pool]string),
	}
	l.epochs.Store(new([]*epoch))
	return l
}

// Submit queues a share for the pool that its job came from; false when the
// queue is full, and then no verdict comes. Any goroutine; it never blocks and,
// once queues have grown, never allocates.
func (l *Lane) Submit(s Share) bool {
	l.route.pending.Add(1)
	for _, e := range *l.epochs.Load() {
		if e.id != s.Job.Epoch {
			continue
		}
		switch e.add(&s) {
		case queued:
			return true
		case full:
			l.route.pending.Add(-1)
			return false
		}
		break
	}
	l.route.settle(&s, work.LinkLost, 0, "")
	return true
}

// Latest returns what the lane's miners work on now; its Job is nil before the
// first. Any goroutine.
func (l *Lane) Latest() Post {
	if p := l.latest.Load(); p != nil {
		return *p
	}
	return Post{Lane: l, Mask: l.route.Mask()}
}

// offer keeps what a link has to offer, and publishes it if the link serves.
// The link's reader calls it.
func (l *Lane) offer(k *link, p Post) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.serving == k {
		l.publish(p)
	} else {
		k.post = k.post.Merge(p)
	}
}

// publish tells miners. The caller has mu.
func (l *Lane) publish(p Post) {
	l.latest.Store(&p)
	if p.Clean {
		l.cleans.Add(1)
	}
	l.route.down.Publish(p)
}

// replace puts the epoch that a set_extranonce began in the place of the
// link's old one. The link's reader calls it; both changes are made under mu, so
// that the supervisor finds them made or not made.
func (l *Lane) replace(k *link, next *epoch) {
	l.mu.Lock()
	old := k.epoch.Swap(next)
	list := without(*l.epochs.Load(), old)
	if l.serving == k {
		list = append([]*epoch{next}, list...)
	}
	l.setEpochs(list)
	l.mu.Unlock()
	l.route.lose(old.close())
}

func (l *Lane) setEpochs(list []*epoch) { l.epochs.Store(&list) }

// without returns a new list without e.
func without(list []*epoch, e *epoch) []*epoch {
	return slices.DeleteFunc(slices.Clone(list), func(x *epoch) bool { return x == e })
}

// tell hands an event to the supervisor.
func (l *Lane) tell(e event) { l.events <- e }
