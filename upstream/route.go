package upstream

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"farmproxy/stats"
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
	Book        *stats.Book
	Log         *slog.Logger // nil: nothing is logged
}

// Route is an ordered list of pools and the lanes that lead there.
type Route struct{}

// NewRoute returns a route that publishes to down. Nothing runs before Start.
func NewRoute(o Options, down Downstream) *Route { return &Route{} }

// Start opens the links of the first group and begins to probe the other pools.
func (r *Route) Start(ctx context.Context) {}

// Close closes all links. Shares that are still queued or in flight get their
// verdict, LinkLost. The route's goroutines are gone when it returns.
func (r *Route) Close(ctx context.Context) {}

// Drain returns when no share is queued or in flight, or when ctx ends.
func (r *Route) Drain(ctx context.Context) {}

// Shape returns the sizes, in bytes, of a newcomer's extranonce1 (its prefix)
// and extranonce2.
func (r *Route) Shape() (prefix, extranonce2 int) { return 2, 2 }

// Mask returns the version bits to grant at mining.configure.
func (r *Route) Mask() uint32 { return 0x1fffe000 }

// Without reports that no lane has a link to any pool, and since when.
func (r *Route) Without() (since time.Time, none bool) { return time.Time{}, true }

// Prefixes returns the allocator of the route's prefixes.
func (r *Route) Prefixes() *Prefixes { return nil }

// Lane returns the lane that serves the miner with this prefix.
func (r *Route) Lane(p Prefix) *Lane { return nil }
