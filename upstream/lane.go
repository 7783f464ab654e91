package upstream

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/tap"
	"farmproxy/work"
)

// Lane is a stable slot of a goal: at any time at most one link serves it.
//
// One supervisor goroutine decides which pool that is; it alone has candidates,
// draining links and timers. What others need is small:
//
//   - epochs, an atomic pointer to an immutable list: where Submit finds the
//     queue for a share's job. Any goroutine, no lock of the lane's.
//   - latest, an atomic pointer: what Latest returns.
//   - mu orders what is published. A link's driver offers its jobs under it, and
//     the supervisor switches links under it: so no job of a link that has been
//     replaced follows one of the link that replaced it. Downstream.Publish is
//     called with mu held, which is why it must not block.
//
// What concerns the lane's life (key, members, idle, linked, unlinked, running) is
// its goal's, and guarded by Goal.mu.
//
// Every share that Submit took is, at any moment, in exactly one place: an
// epoch's queue, a link's dialect or again, a link's flight, or a dead link's
// remains on the supervisor's stack. From each a verdict comes.
type Lane struct {
	goal   *Goal
	key    Prefix // the least that it serves; of a direct lane, the only one
	id     uint32 // of no other lane, ever
	number int    // in the books: of no other lane that there is
	log    *slog.Logger
	events chan event
	roused chan struct{} // the supervisor is to look

	members   int          // miners
	idle      time.Time    // since when there are none
	linked    bool         // a link serves it
	unlinked  time.Time    // since when none does, or the first miner came
	running   bool         // its supervisor was started; not while it waits for a place
	first     bool         // it is of the first group of its length; set once
	earned    atomic.Bool  // a share that counts was handed in on it
	dismissed atomic.Bool  // it has to give its place up
	pending   atomic.Int64 // shares taken, without a verdict yet
	keptHere  atomic.Int64 // shares that were accepted here, and did not go up

	epochs atomic.Pointer[[]*epoch] // those that take shares, the newest first
	latest atomic.Pointer[Post]
	works  works
	recent recent

	roster *roster                 // nil: the goal has no agent pool
	login  atomic.Pointer[string]  // of the only miner, where there is only one; nil: none yet
	traced atomic.Pointer[tap.Tap] // keeps the messages of its links; nil, as for nearly all: nothing does

	mu      sync.Mutex
	serving *link               // written by the supervisor only
	left    []Prefix            // in quarantine until the next clean post of a new work: their miners left
	held    map[Prefix]struct{} // the same: each is there once
	lifted  map[Prefix]uint32   // that were in quarantine lately: the work that ended it
	newest  uint32              // the highest number of a work that was published
	over    bool                // it ended

	// The supervisor's:
	candidates []*link
	draining   []*link
	current    *epoch    // what miners work on; nil before the first link
	orphaned   time.Time // when current lost its link; zero: it has one
	retried    time.Time // when a dead link's pool was last tried without a pause
	moves      map[*pool]string
	cool       map[*pool]time.Time // until when a pool is passed over by this lane alone
	adopted    []adopted           // links of the process before this one, to be driven
	misfit     bool                // a pool that works left too little room for the lane's prefixes, since its last link
	turned     bool                // it was said that its miners are closed for that
	outage     outage
}

func newLane(g *Goal, key Prefix, number int) *Lane {
	l := &Lane{
		goal: g, key: key, id: lanes.Add(1), number: number,
		log:      g.log.With("lane", number),
		unlinked: time.Now(),
		events:   make(chan event),
		roused:   make(chan struct{}, 1),
		moves:    make(map[*pool]string),
	}
	l.epochs.Store(new([]*epoch))
	if g.agents {
		l.roster = newRoster()
	}
	return l
}

// lanes numbers the lanes of the process.
var lanes atomic.Uint32

// ID returns what tells the lane from all others that there were.
func (l *Lane) ID() uint32 { return l.id }

// Goal returns the goal whose lane it is.
func (l *Lane) Goal() *Goal { return l.goal }

// Leave takes back one Join: the miner is gone, or works on another lane. Any
// goroutine, if only after the miner's last Submit. Shares that it has handed in
// get their verdicts all the same.
func (l *Lane) Leave(p Prefix) {
	l.roster.remove(p)
	l.quarantine(p)
	if k := l.servingLink(); k != nil {
		k.health.forget(p)
	}
	l.leaveGoal()
}

// LeaveUnused is Leave for a miner that has handed in nothing: its prefix needs
// no quarantine, since no share of it can be anybody's duplicate.
func (l *Lane) LeaveUnused(p Prefix) {
	l.roster.remove(p)
	l.leaveGoal()
}

// leaveGoal notes that a member has gone.
func (l *Lane) leaveGoal() {
	if l.goal.leave(l) {
		l.end()
	}
}

// Rename says that a member mines for another worker of the same goal from
// now on. Any goroutine. Shares that are on their way may go under either name.
// An agent pool is told when none of the member's shares waits for its verdict:
// one whose shares always overlap keeps its old name there until then, or until
// the link ends.
func (l *Lane) Rename(m Member) {
	l.roster.put(m)
	l.known(m)
}

// known keeps the login of a lane's only miner.
func (l *Lane) known(m Member) {
	if l.single() {
		l.login.Store(&m.Login)
		l.trace(m.Login)
	}
}

// single reports that the lane has one miner: a direct goal's, unless it is an
// agent's, which may have thousands.
func (l *Lane) single() bool { return l.goal.direct && !l.key.private() }

// level is how loud the log is about one of the lane's links: where it has one
// miner it is that miner's matter.
func (l *Lane) level(level slog.Level) slog.Level {
	if l.single() {
		return slog.LevelDebug
	}
	return level
}

// kept reports that the lane stays without a miner: those of the first group do, and
// are there before miners come.
func (l *Lane) kept() bool { return l.first && l.goal.keeps() && !l.key.private() }

// places is where a lane that is not kept gets its place.
func (l *Lane) places() *newcomers {
	if l.goal.keeps() && !l.key.private() {
		return l.goal.directory.groups
	}
	return l.goal.directory.onDemand
}

// Earn notes that one of the lane's miners has handed in a share that counts: until
// then it is a newcomer, which may have to give its link up. Any goroutine; it is
// cheap after the first time.
func (l *Lane) Earn() {
	if !l.earned.Load() && !l.earned.Swap(true) && !l.kept() {
		l.places().earn(l)
		l.goal.route.settle()
	}
}

// dismiss has the lane end, and its miners closed. Any goroutine.
func (l *Lane) dismiss() {
	l.dismissed.Store(true)
	l.rouse()
}

// Submit queues a share for the pool that its job came from; false when the
// queue is full, and then no verdict comes. A share whose job is not the lane's,
// or no more, is LinkLost, one whose miner has its part of a queue that
// is nearly full TooMany. Any goroutine; it never blocks and, once queues have
// grown, allocates nothing for a share that it queues.
func (l *Lane) Submit(s Share) bool {
	l.taken(1)
	for _, e := range *l.epochs.Load() {
		if e.id != s.Job.Epoch {
			continue
		}
		switch e.add(&s) {
		case queued:
			e.pool.book.Expected.Add(s.Work)
			return true
		case full:
			l.taken(-1)
			return false
		case unfair:
			l.settle(s.verdict(work.TooMany, 0, ""))
			return true
		}
		break
	}
	l.settle(s.verdict(work.LinkLost, 0, ""))
	return true
}

// taken counts shares that wait for a verdict.
func (l *Lane) taken(n int64) {
	l.pending.Add(n)
	l.goal.directory.pending.Add(n)
}

// settle returns the verdicts of shares.
func (l *Lane) settle(list ...Verdict) {
	l.goal.credit(list)
	l.goal.directory.down.Verdicts(list)
	l.taken(-int64(len(list)))
}

// lose gives shares up. Many at a time: each time may wake every event loop.
func (l *Lane) lose(shares []Share) {
	for chunk := range slices.Chunk(shares, maxBatch) {
		list := make([]Verdict, len(chunk))
		for i := range chunk {
			list[i] = chunk[i].verdict(work.LinkLost, 0, "")
		}
		l.settle(list...)
	}
}

// Latest returns what the lane's miners work on now; its Job is nil before the
// first. Any goroutine.
func (l *Lane) Latest() Post {
	if p := l.latest.Load(); p != nil {
		return *p
	}
	return Post{Lane: l, Mask: l.goal.mask()}
}

// offer keeps what a link has to offer, and publishes it if the link serves.
// The link's driver calls it.
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
	l.recent.note(p.Job, p.Clean)
	if p.Job != nil && p.Job.Work > l.newest {
		l.newest = p.Job.Work
		if p.Clean {
			l.lift()
		}
	}
	l.goal.directory.down.Publish(p)
}

// quarantine holds a prefix back where its miner may have worked and others still do:
// until the next clean post of a work that is new, so that the next miner with it
// can't find the same headers.
func (l *Lane) quarantine(x Prefix) {
	if x.private() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, already := l.held[x]; already || l.over || l.latest.Load() == nil {
		return
	}
	if l.held == nil {
		l.held = make(map[Prefix]struct{})
	}
	l.held[x] = struct{}{}
	l.left = append(l.left, x)
	l.goal.directory.prefixes.hold(x)
}

// lift ends the quarantine of all prefixes. The caller has mu.
func (l *Lane) lift() {
	for x, work := range l.lifted {
		if work+maxWorks < l.newest {
			delete(l.lifted, x) // none of the works before that one is known any more
		}
	}
	if len(l.left) == 0 {
		return
	}
	if l.lifted == nil {
		l.lifted = make(map[Prefix]uint32)
	}
	for _, x := range l.left {
		l.lifted[x] = l.newest
	}
	l.goal.directory.prefixes.lift(l.left)
	l.left, l.held = nil, nil
}

// Since returns the first work of the lane that a miner with that prefix may
// answer: another miner had it, and worked at those before. An event loop may
// still be about to take over what ended the prefix's quarantine.
func (l *Lane) Since(x Prefix) (work uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lifted[x]
}

// replace puts the epoch that a set_extranonce began in the place of the
// link's old one. The link's driver calls it; both changes are made under mu, so
// that the supervisor finds them made or not made.
func (l *Lane) replace(k *link, next *epoch) {
	l.mu.Lock()
	old := k.epoch.Swap(next)
	next.link.Store(k)
	list := without(*l.epochs.Load(), old)
	if l.serving == k {
		list = append([]*epoch{next}, list...)
	}
	l.setEpochs(list)
	l.mu.Unlock()
	l.lose(old.close())
}

// servingLink returns the link that serves; nil: none. Any goroutine.
func (l *Lane) servingLink() *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.serving
}

func (l *Lane) setEpochs(list []*epoch) { l.epochs.Store(&list) }

// without returns a new list without e.
func without(list []*epoch, e *epoch) []*epoch {
	return slices.DeleteFunc(slices.Clone(list), func(x *epoch) bool { return x == e })
}

// rouse makes the supervisor look at once.
func (l *Lane) rouse() { poke(l.roused) }

// tell hands an event to the supervisor.
func (l *Lane) tell(e event) { l.events <- e }
