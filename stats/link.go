package stats

import (
	"sync/atomic"
	"time"

	"farmproxy/work"
)

// LinkState is how far a link is.
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

// Link is what is counted about one connection to a pool. Its reader and
// writer goroutines write it; a scrape reads it.
//
// The books of a closed link are handed to the next one of the same pool and
// lane, so that what was counted never goes back: counters are those of all
// links that the lane had to this pool since farmproxy started.
type Link struct {
	Pool string // the pool's name
	Lane int    // which of the route's lanes it serves

	User atomic.Pointer[string] // whose lane it is: the account; nil or "" the configuration's pools'

	State       atomic.Uint32 // LinkState
	Connects    atomic.Uint64 // times it came up
	Jobs        atomic.Uint64 // mining.notify received
	CleanJobs   atomic.Uint64 // of these: with clean_jobs
	Submitted   atomic.Uint64 // shares sent
	Resubmitted atomic.Uint64 // shares sent again after a resumed session
	InFlight    atomic.Int64  // sent, not yet answered
	BytesUp     atomic.Uint64 // to the pool
	BytesDown   atomic.Uint64 // from the pool
	Malformed   atomic.Uint64 // lines and frames from the pool that were passed over
	LastNotify  atomic.Int64  // unix nanoseconds; 0 never
	Extranonce2 atomic.Uint32 // size in bytes that the pool gave
	VersionMask atomic.Uint32

	Difficulty atomicFloat                     // the pool's, now
	Verdicts   [work.NumVerdicts]atomic.Uint64 // the pool's verdicts
	Work       [work.NumVerdicts]atomicFloat   // the same, each share counted as the pool's difficulty

	latency histogram // from a share's write to its verdict
	open    atomic.Bool
}

// Verdict counts the pool's verdict on a share of the given difficulty, which
// came latency after the share was written. Safe from any goroutine; it never
// allocates. A share that the pool never answered (work.LinkLost,
// work.Overloaded) has no latency: it is not counted in the histogram.
func (l *Link) Verdict(v work.Verdict, difficulty float64, latency time.Duration) {
	l.Verdicts[v].Add(1)
	l.Work[v].Add(difficulty)
	if v != work.LinkLost && v != work.Overloaded {
		l.latency.observe(latency)
	}
}

// OpenLink returns the books for a link to a pool that serves a lane; any
// goroutine. See Link for what they hold already.
func (b *Book) OpenLink(pool string, lane int) *Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.links {
		if l.Pool == pool && l.Lane == lane && l.open.CompareAndSwap(false, true) {
			return l
		}
	}
	l := &Link{Pool: pool, Lane: lane}
	l.open.Store(true)
	b.links = append(b.links, l)
	return l
}

// CloseLink closes a link's books: nobody writes them any more. What was
// counted stays in the metrics, with the link down.
func (b *Book) CloseLink(l *Link) {
	l.State.Store(uint32(LinkDown))
	l.InFlight.Store(0)
	l.Extranonce2.Store(0)
	l.VersionMask.Store(0)
	l.Difficulty.Store(0)
	l.open.Store(false) // last: from here on it may be another's
}
