package upstream

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/stats"
	"farmproxy/work"
)

// Pool is one endpoint. It is immutable.
type Pool struct {
	Name              string      // in logs and metrics
	URL               string      // without credentials; the key under which its sizes are remembered
	Address           string      // host:port to dial
	Host              string      // for TLS, and for what client.reconnect may lead to
	TLS               *tls.Config // nil: plain; see TLSConfig
	User              string      // what the pool knows the farm as; plain text
	Password          string
	PassWorkers       bool    // each worker is authorized at the pool as User.worker
	Links             int     // links wanted; see Options.Pools
	SuggestDifficulty float64 // told before authorize; 0: nothing is suggested
	UserAgent         string  // plain text
}

// Failover says when pools are left and come back to. A zero duration stands
// for its default.
type Failover struct {
	ReturnAfter time.Duration // how long a better pool must have been healthy; default 2m
	ProbeEvery  time.Duration // how often pools not in use are probed; default 5m
	Silence     time.Duration // no notify for that long is illness; default 3m
	RejectRate  float64       // fraction of rejected shares that is illness, 0..1; 0 never
	BackoffMax  time.Duration // longest pause between attempts at one pool; default 30s
}

// Options make a route.
type Options struct {
	// Pools, the preferred one first; at least one. A group of miners gets as
	// many lanes as the largest Links among them: lanes are stable, and a
	// failover must not change which lane serves a miner.
	Pools     []Pool
	Failover  Failover
	StateFile string // where the pools' sizes and masks are remembered; "": they are not

	Dial        func(ctx context.Context, p Pool) (net.Conn, error) // nil: TCP, and TLS where the pool has it
	FirstPrefix uint16                                              // the first prefix handed out
	Book        *stats.Book                                         // nil: nobody looks
	Log         *slog.Logger                                        // nil: nothing is logged
}

// maxLinks bounds the lanes of a route, whatever the number of miners.
const maxLinks = 1024

// Route is an ordered list of pools and the lanes that lead there. Its methods
// may be called from any goroutine.
type Route struct {
	pools    []*pool
	failover Failover
	links    int // lanes of a group
	state    state
	dial     func(ctx context.Context, p Pool) (net.Conn, error)
	down     Downstream
	book     *stats.Book
	log      *slog.Logger
	prefixes *Prefixes

	pending atomic.Int64             // shares taken, without a verdict yet
	groups  atomic.Pointer[[]*group] // by Prefix.Group; immutable list

	mu        sync.Mutex
	ctx       context.Context // nil before Start and after Close
	cancel    context.CancelFunc
	lanes     int       // opened
	up        int       // of them: with a link
	downSince time.Time // when up became 0
	wg        sync.WaitGroup
}

// group is the lanes of up to 65,536 miners, whose prefixes differ.
type group struct {
	length int // bytes: of its prefixes
	width  int // lanes that it is to have
	lanes  atomic.Pointer[[]*Lane]
}

// NewRoute returns a route that publishes to down. Nothing runs before Start.
func NewRoute(o Options, down Downstream) *Route {
	r := &Route{
		failover: o.Failover.withDefaults(), links: 1,
		dial: o.Dial, down: down, book: o.Book, log: o.Log,
		downSince: time.Now(),
	}
	if r.dial == nil {
		r.dial = dial
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.book == nil {
		r.book = stats.New(stats.Options{})
	}
	for i, p := range o.Pools {
		r.links = max(r.links, p.Links)
		r.pools = append(r.pools, &pool{Pool: p, level: i, book: r.book.Pool(p.Name, p.URL, i)})
	}
	r.groups.Store(new([]*group))
	r.prefixes = &Prefixes{route: r, first: o.FirstPrefix}
	r.state.path = o.StateFile
	r.recall()
	return r
}

func (f Failover) withDefaults() Failover {
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{
		{&f.ReturnAfter, 2 * time.Minute},
		{&f.ProbeEvery, 5 * time.Minute},
		{&f.Silence, 3 * time.Minute},
		{&f.BackoffMax, 30 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.or
		}
	}
	return f
}

// Start opens the links of the first group and begins to probe the pools that
// no lane is on. It runs until ctx ends or Close.
func (r *Route) Start(ctx context.Context) {
	r.mu.Lock()
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.downSince = time.Now()
	for _, g := range *r.groups.Load() {
		if lanes := g.lanes.Load(); lanes != nil {
			for _, l := range *lanes {
				r.runLane(l)
			}
		}
	}
	r.mu.Unlock()
	r.openFirst()
	for _, p := range r.pools {
		r.run(func(ctx context.Context) { r.watch(ctx, p) })
	}
}

// run starts a goroutine of the route's; none before Start and after Close.
func (r *Route) run(f func(ctx context.Context)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx := r.ctx; ctx != nil {
		r.wg.Go(func() { f(ctx) })
	}
}

// runLane is run for a lane, with mu held.
func (r *Route) runLane(l *Lane) {
	if ctx := r.ctx; ctx != nil {
		r.wg.Go(func() { l.supervise(ctx) })
	}
}

// Close closes all links. Shares that are still queued or in flight get their
// verdict, LinkLost. The route's goroutines are gone when it returns, unless
// ctx ends first.
func (r *Route) Close(ctx context.Context) {
	r.mu.Lock()
	if r.cancel != nil {
		r.cancel()
	}
	r.ctx = nil
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// drainTick is how often Drain looks.
const drainTick = 10 * time.Millisecond

// Drain returns when no share is queued or in flight, or when ctx ends.
func (r *Route) Drain(ctx context.Context) {
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for r.pending.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Shape returns the sizes, in bytes, of a newcomer's extranonce1 (its prefix)
// and extranonce2: what the smallest pool of the route leaves. A pool that was
// never seen counts as one that gives 4; one that can't be shared not at all.
func (r *Route) Shape() (prefix, extranonce2 int) {
	smallest := 0
	for _, p := range r.pools {
		size, _, _ := p.known()
		if size == 0 {
			size = sizeDefault
		}
		if size >= sizeMin && (smallest == 0 || size < smallest) {
			smallest = size
		}
	}
	if smallest == 0 {
		smallest = sizeDefault
	}
	prefix, extranonce2, _ = work.PrefixFor(smallest)
	return prefix, extranonce2
}

// Mask returns the version bits to grant at mining.configure: those of the
// most preferred pool in use, else of the most preferred that is known, else
// the usual ones.
func (r *Route) Mask() uint32 {
	remembered, found := uint32(maskDefault), false
	for _, p := range r.pools {
		_, mask, known := p.known()
		if known && p.serves() {
			return mask
		}
		if known && !found {
			remembered, found = mask, true
		}
	}
	return remembered
}

// Without reports that no lane has a link to any pool, and since when.
func (r *Route) Without() (since time.Time, none bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.downSince, r.up == 0
}

func (r *Route) laneUp(n int, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.up += n; r.up == 0 {
		r.downSince = now
	}
}

// Prefixes returns the allocator of the route's prefixes.
func (r *Route) Prefixes() *Prefixes { return r.prefixes }

// Lane returns the lane that serves the miner with this prefix, which came from
// Prefixes. The lanes of a group are opened with its first miner.
func (r *Route) Lane(p Prefix) *Lane {
	g := (*r.groups.Load())[p.Group]
	lanes := g.lanes.Load()
	if lanes == nil {
		lanes = r.open(g)
	}
	return (*lanes)[int(p.Value)%len(*lanes)]
}

// lane is Lane, nil where the group has not been opened.
func (r *Route) lane(p Prefix) *Lane {
	lanes := (*r.groups.Load())[p.Group].lanes.Load()
	if lanes == nil {
		return nil
	}
	return (*lanes)[int(p.Value)%len(*lanes)]
}

// open opens the lanes of a group, once.
func (r *Route) open(g *group) *[]*Lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	if lanes := g.lanes.Load(); lanes != nil {
		return lanes
	}
	lanes := make([]*Lane, g.width)
	for i := range lanes {
		lanes[i] = newLane(r, r.lanes, g.length)
		r.lanes++
	}
	g.lanes.Store(&lanes)
	for _, l := range lanes {
		r.runLane(l)
	}
	return &lanes
}

// settle returns a share's verdict. code and text are the pool's own; 0 and ""
// stand for the usual ones.
func (r *Route) settle(s *Share, v work.Verdict, code int, text string) {
	if code == 0 {
		code = v.Code()
	}
	if text == "" {
		text = v.Text()
	}
	r.down.Verdict(Verdict{
		Cookie: s.Cookie, ID: s.ID, Worker: s.Worker,
		Verdict: v, Code: code, Text: text,
		Difficulty: s.Difficulty, Answered: s.Answered,
	})
	r.pending.Add(-1)
}

// learn keeps what a pool gave, here and in the state file, and sees to it
// that there are lanes for miners that come from now on.
func (r *Route) learn(p *pool, size int, mask uint32) {
	if p.learn(size, mask) {
		r.remember()
		r.openFirst()
	}
}

// openFirst opens the lanes of the first group that newcomers will be in, so
// that links are up before miners come.
func (r *Route) openFirst() {
	length, _ := r.Shape()
	if g := r.prefixes.firstGroup(length); g != nil {
		r.open(g)
	}
}

// layoutFits reports that a pool's extranonce2 of size bytes can be shared out
// with prefixes of that length.
func layoutFits(size, prefix int) bool {
	_, ok := work.NewLayout(size, prefix)
	return ok
}
