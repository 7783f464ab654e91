package stats

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/naming"
)

// Options say what a Book counts.
type Options struct {
	Version      string        // farmproxy's
	Loops        int           // how many event loops there are
	CloseReasons []string      // names of the reasons for closing a miner: the index of Loop.Closed
	MaxWorkers   int           // how many names get their own books; 0 = 100,000
	Forget       time.Duration // a worker or account without a miner is dropped if unseen for this long; 0 = 24 h

	Settings // at the start, see Book.Configure
}

// Settings say which series exist. They may change at any time.
type Settings struct {
	Predecessor bool          // keep books for each miner, and write the account proxy's series too
	Proxy       string        // value of their proxy label
	Groups      naming.Groups // which group each worker is in
}

// Configure changes the series written from now on. Miners connected without books get
// some when they log in again; all workers move to their group at once. One goroutine at
// a time, but any.
func (b *Book) Configure(s Settings) {
	b.settings.Store(&s)
	b.group(s.Groups)
}

// Book is everything that farmproxy counts. All methods may be called from any
// goroutine.
type Book struct {
	options  Options // without Settings
	settings atomic.Pointer[Settings]
	started  atomic.Int64 // the books' time; of the first of the processes that have handed over to each other
	now      func() time.Time
	loops    []*Loop
	workers  *registry
	ledger   *ledger
	miners   *miners

	minersMax     atomic.Int64
	sharesBefore  [2]atomic.Uint64 // written to the share log and left out, by those processes
	shareLog      atomic.Pointer[func() (written, leftOut uint64)]
	bans          atomic.Pointer[func() int]                  // banned addresses
	certificates  atomic.Pointer[func() map[string]time.Time] // until when each is valid
	leftOut       atomic.Pointer[func() uint64]               // log lines that were left out
	leftOutBefore atomic.Uint64                               // the same, by the processes that handed over to this one
	ready         atomic.Pointer[error]                       // the last argument of SetReady
	linkless      atomic.Bool                                 // it is ready without a link
	onlyStore     atomic.Bool                                 // only the store's accounts are served
	store         atomic.Pointer[func() (accounts int, err error)]
	routes        atomic.Pointer[func() []Route]
	history       atomic.Pointer[func() error] // why it is not written
	channels      atomic.Pointer[func() []ChannelCount]
	alerts        atomic.Pointer[func() []AlertCount]
	usual         atomic.Pointer[func() (float64, map[string]float64)] // hash rates of the farm and its groups
	configuration atomic.Pointer[configuration]                        // nil: nobody has said

	blocks blocks // that pools have told of

	mu         sync.Mutex       // guards the fields below; held at most for a copy of them
	pools      []*Pool          // in the order they were registered
	poolByName map[string]*Pool // the one shown under the name, unless it is forgotten
	poolByKey  map[poolKey]*Pool
	links      []*Link             // open, or waiting for the next link of their pool and lane
	linksOf    map[linkKey][]*Link // the same: with direct pools there are thousands
}

// errStarting is why a new Book is not ready.
var errStarting = errors.New("farmproxy is starting: it does not listen yet")

// New returns a Book with nothing counted, not ready until SetReady says so.
func New(o Options) *Book {
	if o.MaxWorkers == 0 {
		o.MaxWorkers = defaultMaxWorkers
	}
	if o.Forget == 0 {
		o.Forget = defaultForget
	}
	b := &Book{
		options: o,
		now:     time.Now,
		loops:   make([]*Loop, o.Loops),
		ledger:  newLedger(o.MaxWorkers, max(o.Loops, 1), o.Forget),
		miners:  newMiners(),

		poolByName: make(map[string]*Pool),
		poolByKey:  make(map[poolKey]*Pool),
	}
	b.started.Store(int64(elapsed(b.now())))
	b.workers = newRegistry(o.MaxWorkers, o.Forget, b.ledger.nothing)
	b.Configure(o.Settings)
	b.options.Settings = Settings{}
	for i := range b.loops {
		b.loops[i] = &Loop{Closed: make([]atomic.Uint64, len(o.CloseReasons))}
	}
	b.SetReady(errStarting)
	return b
}

// Loop returns the counters of loop i, 0 <= i < Options.Loops.
func (b *Book) Loop(i int) *Loop { return b.loops[i] }

// Worker finds the worker of that name, or creates it. Names beyond Options.MaxWorkers
// or over 256 bytes all share one worker: its Name is Other. The login is copied.
func (b *Book) Worker(login string) *Worker {
	return b.workers.get(login, b.now())
}

// Vouches reports whether a worker of that name has had a share accepted and at most
// that many miners are connected under it: knowing the name of a working miner is not
// enough to be taken for it.
func (b *Book) Vouches(login string, connected int) bool {
	earned, miners := b.workers.record(login)
	return earned && miners <= connected
}

// HasEarned reports whether a worker of that name has had a share accepted.
func (b *Book) HasEarned(login string) bool {
	earned, _ := b.workers.record(login)
	return earned
}

// SetShareLog sets the function that returns how many shares the share log has written, and
// how many it has left out.
func (b *Book) SetShareLog(counts func() (written, leftOut uint64)) { b.shareLog.Store(&counts) }

// shareLogCounts returns the same, including what the processes before this one did; false:
// there is no share log.
func (b *Book) shareLogCounts() (written, leftOut uint64, ok bool) {
	counts := b.shareLog.Load()
	if counts == nil {
		return 0, 0, false
	}
	written, leftOut = (*counts)()
	return written + b.sharesBefore[0].Load(), leftOut + b.sharesBefore[1].Load(), true
}

// SetBans sets the function that returns how many addresses are banned.
func (b *Book) SetBans(count func() int) { b.bans.Store(&count) }

func (b *Book) banned() int {
	if count := b.bans.Load(); count != nil {
		return (*count)()
	}
	return 0
}

// SetLeftOut sets the function that returns how many log lines were left out.
func (b *Book) SetLeftOut(lines func() uint64) { b.leftOut.Store(&lines) }

func (b *Book) linesLeftOut() uint64 {
	n := b.leftOutBefore.Load()
	if lines := b.leftOut.Load(); lines != nil {
		n += (*lines)()
	}
	return n
}

// uptime returns how long farmproxy has run, over all processes that have handed over
// to each other.
func (b *Book) uptime(now time.Time) time.Duration {
	return elapsed(now) - time.Duration(b.started.Load())
}

// SetMinersMax sets how many miners there is room for.
func (b *Book) SetMinersMax(n int) { b.minersMax.Store(int64(n)) }

// SetReady says whether farmproxy serves miners: nil once it listens, otherwise why
// not. Ready also requires a link, unless SetNeedsLink says otherwise.
func (b *Book) SetReady(err error) { b.ready.Store(&err) }

// SetNeedsLink says whether farmproxy is ready only while a link is up, which is the
// default. If it only serves accounts, links come and go with their miners.
func (b *Book) SetNeedsLink(needs bool) { b.linkless.Store(!needs) }

// SetOnlyAccounts says whether only the store's accounts are served: then farmproxy is
// not ready while the database is unavailable and no account is known.
func (b *Book) SetOnlyAccounts(only bool) { b.onlyStore.Store(only) }

// everything returns all pools and links, in the order of their registration.
func (b *Book) everything() (pools []*Pool, links []*Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.pools), slices.Clone(b.links)
}

// snapshot returns the pools by level, and all links, open or not, by pool and
// lane.
func (b *Book) snapshot() (pools []*Pool, links []*Link) {
	b.mu.Lock()
	links = slices.Clone(b.links)
	for _, p := range b.pools {
		if !p.forgotten {
			pools = append(pools, p)
		}
	}
	b.mu.Unlock()

	slices.SortStableFunc(pools, func(x, y *Pool) int { return cmp.Compare(x.Level(), y.Level()) })
	place := make(map[string]int, len(pools))
	for i, p := range pools {
		place[p.Name] = i - len(pools) // below the 0 of unregistered pools
	}
	slices.SortStableFunc(links, func(x, y *Link) int {
		return cmp.Or(
			cmp.Compare(place[x.Pool], place[y.Pool]),
			cmp.Compare(x.Pool, y.Pool),
			cmp.Compare(x.Lane, y.Lane),
		)
	})
	return pools, links
}
