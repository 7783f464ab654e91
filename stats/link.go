package stats

import (
	"sync/atomic"
	"time"

	"farmproxy/work"
)

// LinkState is a link's stage.
type LinkState uint32

const (
	LinkDown        LinkState = iota // not connected; waiting for the next attempt
	LinkConnecting                   // dialling, TLS
	LinkHandshaking                  // configure, subscribe, authorize
	LinkUp                           // has a job
	LinkDraining                     // replaced; waits for the last verdicts

	numLinkStates = int(LinkDraining) + 1
)

var linkStates = [numLinkStates]string{"down", "connecting", "handshaking", "up", "draining"}

// String returns the state's name in metrics and the API.
func (s LinkState) String() string { return linkStates[s] }

// Link counts what happens on one connection to a pool. The link writes it; a scrape
// reads it.
//
// The books of a closed link pass to the next one of the same pool and lane, so that
// counts never decrease: they cover all links that the lane has had to this pool since
// farmproxy started.
type Link struct {
	Pool string // the pool's name
	Lane int    // which of the goal's lanes it serves

	User atomic.Pointer[string] // the account whose lane it is; nil or "": the configuration's pools

	State       atomic.Uint32 // LinkState
	Connects    atomic.Uint64 // times that it came up
	Jobs        atomic.Uint64 // mining.notify received
	CleanJobs   atomic.Uint64 // of these, with clean_jobs
	Submitted   atomic.Uint64 // shares sent
	Resubmitted atomic.Uint64 // shares sent again after a resumed session
	InFlight    atomic.Int64  // sent, not yet answered
	BytesUp     atomic.Uint64 // to the pool
	BytesDown   atomic.Uint64 // from the pool
	Malformed   atomic.Uint64 // lines and frames from the pool that were ignored
	LastNotify  atomic.Int64  // unix nanoseconds; 0 never
	Extranonce2 atomic.Uint32 // size in bytes, as given by the pool
	VersionMask atomic.Uint32

	Difficulty atomicFloat                     // the pool's, now
	Verdicts   [work.NumVerdicts]atomic.Uint64 // the pool's verdicts
	Work       [work.NumVerdicts]atomicFloat   // the same, weighted by the pool's difficulty

	latency histogram // from a share's write to its verdict
	open    atomic.Bool
}

// Verdict counts the pool's verdict on a share of the given difficulty, received
// latency after the share was written. Any goroutine may call it; it never allocates.
// A share that the pool never answered (work.LinkLost, work.Overloaded) has no
// latency: it is not counted in the histogram.
func (l *Link) Verdict(v work.Verdict, difficulty float64, latency time.Duration) {
	l.Verdicts[v].Add(1)
	l.Work[v].Add(difficulty)
	if v != work.LinkLost && v != work.Overloaded {
		l.latency.observe(latency)
	}
}

// OpenLink returns the books for a link to a pool that serves a lane; any goroutine.
// They may already hold counts: see Link.
func (b *Book) OpenLink(pool string, lane int) *Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.linksOf[linkKey{pool, lane}] {
		if l.open.CompareAndSwap(false, true) {
			return l
		}
	}
	l := &Link{Pool: pool, Lane: lane}
	l.open.Store(true)
	b.addLink(l)
	return l
}

// linkKey says which links may have books in turn.
type linkKey struct {
	pool string
	lane int
}

// addLink adds a link's books. The caller has mu.
func (b *Book) addLink(l *Link) {
	b.links = append(b.links, l)
	if b.linksOf == nil {
		b.linksOf = make(map[linkKey][]*Link)
	}
	key := linkKey{l.Pool, l.Lane}
	b.linksOf[key] = append(b.linksOf[key], l)
}

// CloseLink closes a link's books: nobody writes them any more. The counts stay in the
// metrics, with the link down.
func (b *Book) CloseLink(l *Link) {
	l.State.Store(uint32(LinkDown))
	l.InFlight.Store(0)
	l.Extranonce2.Store(0)
	l.VersionMask.Store(0)
	l.Difficulty.Store(0)
	l.open.Store(false) // last: from here on another link may take it
}
