package upstream

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/descriptors"
	"farmproxy/stats"
)

// MaxOnDemand bounds the lanes that are opened on demand and have a link: those
// of accounts and users, those of agents (private groups), and those of one
// miner each (direct). Each link takes a file descriptor and 25 kB
// (BenchmarkDirectMiner). Lanes beyond wait for the end of another one.
const MaxOnDemand = 1 << 14

// Directory says which route and goal serve whom, and runs the goals: those of each entry of
// its table that is kept or in use. What is one in the process is here: prefixes, lane
// numbers, what is known of the pools. Its methods may be called from any goroutine.
//
// Locks are taken in this order, and none of them is held during I/O:
// Directory.mu, Goal.mu, Lane.mu, and last those that guard one thing each:
// Directory.life, Prefixes.mu, newcomers.mu, strangers.mu, state.mu, endpoint.mu,
// roster.mu, epoch.mu, health.mu.
type Directory struct {
	settings atomic.Pointer[Settings]
	letGo    time.Duration
	files    *descriptors.Budget
	down     Downstream
	book     *stats.Book
	log      *slog.Logger
	changed  func(PoolChange) // nil: nobody wants to know
	prefixes Prefixes
	state    state

	still standstill // who decides anything enters; no event loop does
	heir  heir       // what came of the process before this one

	born        time.Time
	fullLogged  atomic.Int64 // when it was last said that there are no places left, since born; 0: never
	crowdLogged atomic.Int64 // when it was last said that an address has too many newcomers, since born
	shortLogged atomic.Int64 // when it was last said that links wait for descriptors, since born
	taps        taps
	held        atomic.Int64 // miners with a link of their own that have none
	heldLogged  atomic.Int64 // when the log last said so, since born
	pending     atomic.Int64 // shares taken, without a verdict yet
	onDemand    *newcomers   // lanes of accounts, users, agents, and single miners that have, or may have, a link
	groups      *newcomers   // those of further groups of prefixes
	smallest    atomic.Int64 // extranonce2 size that newcomers are to fit

	mu        sync.RWMutex
	table     Table
	others    []Entry              // what serves everybody whose login is no account's, by route; the first is the default
	urls      []string             // of all pools in the table
	retired   []*Goal              // that may have lanes yet
	routes    map[RouteID]*Route   // those that are in use
	orders    map[string]PoolOrder // by the names of pools; those that are not in it are enabled
	users     users
	endpoints map[endpointKey]*endpoint

	life struct {
		sync.Mutex
		ctx    context.Context // nil before Start and after Close
		cancel context.CancelFunc
		wg     sync.WaitGroup
		lanes  int   // numbers that were given out
		free   []int // of them: given back
	}
}

// NewDirectory returns a directory whose goals publish to down. It serves nobody
// before Set, and nothing runs before Start.
func NewDirectory(o DirectoryOptions, down Downstream) *Directory {
	o = o.withDefaults()
	d := &Directory{
		letGo: o.LetGo, files: o.Descriptors, onDemand: newNewcomers(newcomersEach, 0), groups: newNewcomers(groupsEach, maxLinks),
		down: down, book: o.Book, log: o.Log, changed: o.Changed, table: Everybody{},
		born:      time.Now(),
		routes:    make(map[RouteID]*Route),
		endpoints: make(map[endpointKey]*endpoint),
	}
	d.still.ready()
	d.Configure(o.Settings)
	d.prefixes.first = o.FirstPrefix
	d.state.path, d.state.log = o.StateFile, o.Log
	d.state.recall()
	d.shape(nil)
	return d
}

// endpoint returns what goals that lead to p share. Its level is where it stands in
// a list of pools; that in the books is the one of the list that serves everybody.
// The caller has mu, or is alone.
func (d *Directory) endpoint(p *Pool, level int) *endpoint {
	key := endpointKey{p.Name, p.URL}
	e := d.endpoints[key]
	for i := range d.others {
		d.others[i].eachPool(func(o *Pool, at int) {
			if (endpointKey{o.Name, o.URL}) == key {
				level = at
			}
		})
	}
	book := d.book.Pool(p.Name, p.URL, level) // asked each time: a pool that was forgotten is shown again
	if e == nil {
		e = &endpoint{book: book}
		e.order.Store(uint32(d.orders[p.Name]))
		if a := &p.Algorithm; a.Name != "" {
			e.book.SetAlgorithm(a.Name, a.Divider)
		}
		d.endpoints[key] = e
	}
	return e
}

// Start opens the links of kept goals' first groups and begins to probe those of
// their pools that no lane is on. It runs until ctx ends or Close.
func (d *Directory) Start(ctx context.Context) {
	d.begin(ctx)
	d.heir.waits.Store(false)
	d.run(d.state.keep)
	d.run(func(ctx context.Context) { d.onDemand.seatAll(ctx, &d.still) })
	d.run(func(ctx context.Context) { d.groups.seatAll(ctx, &d.still) })
	for _, g := range d.Goals() {
		g.start()
	}
	d.takeOver()
	d.openFirst()
}

// begin lets goroutines start.
func (d *Directory) begin(ctx context.Context) {
	d.life.Lock()
	defer d.life.Unlock()
	if d.life.ctx == nil {
		d.life.ctx, d.life.cancel = context.WithCancel(ctx)
	}
}

// run starts a goroutine of the directory's; none, and false, before Start and
// after Close.
func (d *Directory) run(f func(ctx context.Context)) bool {
	d.life.Lock()
	defer d.life.Unlock()
	ctx := d.life.ctx
	if ctx != nil {
		d.life.wg.Go(func() { f(ctx) })
	}
	return ctx != nil
}

// runs reports that it was started, and not closed.
func (d *Directory) runs() bool {
	d.life.Lock()
	defer d.life.Unlock()
	return d.life.ctx != nil
}

// Close closes all links. Shares that are still queued or in flight get their
// verdict, LinkLost. The directory's goroutines are gone when it returns,
// unless ctx ends first.
func (d *Directory) Close(ctx context.Context) {
	d.life.Lock()
	if d.life.cancel != nil {
		d.life.cancel()
	}
	d.life.ctx = nil
	d.life.Unlock()
	done := make(chan struct{})
	go func() {
		d.life.wg.Wait()
		d.state.remember()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// fullPause is how often the log says that there are no places left.
const fullPause = time.Minute

// noRoom says that lanes wait for others to end.
func (d *Directory) noRoom(places *newcomers) {
	if !pauseOver(&d.fullLogged, int64(time.Since(d.born)), fullPause) {
		return
	}
	d.log.Warn("miners are waiting for a link: accounts, users, agents and direct pools have reached their limit; let pools without mode = \"direct\" share their links, or run another farmproxy beside", "links", places.room())
}

// pauseOver reports whether a message may be logged again, and notes that it is. Times are
// in nanoseconds; 0 in logged: never.
func pauseOver(logged *atomic.Int64, now int64, pause time.Duration) bool {
	last := logged.Load()
	return (last == 0 || now-last >= int64(pause)) && logged.CompareAndSwap(last, max(1, now))
}

// drainTick is how often Drain looks.
const drainTick = 10 * time.Millisecond

// Drain returns when no share is queued or in flight, or when ctx ends.
func (d *Directory) Drain(ctx context.Context) {
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for d.pending.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Prefixes returns the allocator of prefixes.
func (d *Directory) Prefixes() *Prefixes { return &d.prefixes }

// takeNumber returns a lane number that no lane has. Numbers are used again, so
// that their books do not become more and more.
func (d *Directory) takeNumber() int {
	d.life.Lock()
	defer d.life.Unlock()
	if n := len(d.life.free); n > 0 {
		number := d.life.free[n-1]
		d.life.free = d.life.free[:n-1]
		return number
	}
	d.life.lanes++
	return d.life.lanes - 1
}

func (d *Directory) giveNumber(n int) {
	d.life.Lock()
	defer d.life.Unlock()
	d.life.free = append(d.life.free, n)
}

// failover says when pools are left and come back to, now.
func (d *Directory) failover() *Failover { return &d.settings.Load().Failover }

// openFirst opens the lanes of the first group that newcomers will be in, where
// links are up before miners come. Before Start there are none.
func (d *Directory) openFirst() {
	if !d.runs() || d.heir.waits.Load() {
		return
	}
	length, _ := d.Shape()
	group, ok := d.prefixes.firstGroup(length)
	if !ok {
		return
	}
	for _, g := range d.keptGoals() {
		g.openGroup(Prefix{Group: group, Len: uint8(length)})
	}
}

// keptGoals returns the goals whose links are up before miners come.
func (d *Directory) keptGoals() (list []*Goal) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range d.others {
		if r := d.routes[RouteID{Route: d.others[i].Route}]; r != nil {
			list = append(list, r.list()...)
		}
	}
	return slices.DeleteFunc(list, func(g *Goal) bool { return !g.keeps() })
}
