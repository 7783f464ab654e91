package upstream

import (
	"context"
	"log/slog"
	"net"
	"time"

	"farmproxy/descriptors"
	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

// Pool is one endpoint, and who works there. It is immutable.
type Pool struct {
	dial.Target                      // its URL is the key under which its sizes are remembered, its host what client.reconnect is measured by
	Dialect           Dialect        // what it speaks
	User              string         // what the pool knows the farm, or the account, as; without control characters, and plain text with the agent dialect
	Password          string         //
	PassWorkers       bool           // each worker is authorized at the pool as User.worker
	FixedWorker       string         // plain text; what the pool knows all workers as, with PassWorkers, or a dialect in which the pool sees every worker; "": each by its own name
	Links             int            // links wanted: see Entry.Pools
	Direct            bool           // one link for each miner: the pool forbids to share links; see Entry.Pools
	SuggestDifficulty float64        // told before authorize; 0: nothing is suggested
	UserAgent         string         // plain text
	Algorithm         work.Algorithm // zero value: sha256d
}

// Dialect is what a pool speaks.
type Dialect uint8

const (
	Stratum Dialect = iota // Stratum V1
	Agent                  // btcpool's agent protocol: the pool sees every worker
)

// Failover says when pools are left and come back to. A zero duration stands
// for its default.
type Failover struct {
	ReturnAfter time.Duration // how long a better pool must have been healthy; default 2m
	ProbeEvery  time.Duration // how often pools not in use are probed; default 5m
	Silence     time.Duration // no notify for that long is illness; default 3m
	RejectRate  float64       // fraction of rejected shares that is illness, 0..1; 0 never
	BackoffMax  time.Duration // longest pause between attempts at one pool; default 30s
	Hold        time.Duration // how long miners are kept without any pool; 0: forever
}

// Settings say how links are dialled, and when their pools are left. They may change
// at any time (Directory.Configure), so nothing keeps a copy: whoever needs one reads
// the last.
type Settings struct {
	Failover  Failover
	Dial      func(context.Context, dial.Target) (net.Conn, error) // nil: dial.Direct
	DialFiles int                                                  // descriptors that a dial takes at a time; 0: dial.Files
	OnDemand  int                                                  // bound on lanes that are opened on demand; 0: MaxOnDemand
	Quiet     Quiet                                                // which pools get a quiet link
}

// Quiet says which pools of kept goals get a quiet link while no lane is on them: see
// Goal.listen.
type Quiet struct {
	Links  bool
	Except []string // names of pools that get none
}

// DirectoryOptions make a directory. Only Settings may change afterwards.
type DirectoryOptions struct {
	StateFile   string              // where the pools' sizes and masks are remembered; "": they are not
	FirstPrefix uint16              // the first prefix handed out
	Descriptors *descriptors.Budget // what links take; nil: as many as there may be
	LetGo       time.Duration       // a lane opened on demand lives that long without a miner; 0: a minute
	Book        *stats.Book         // nil: nobody looks
	Log         *slog.Logger        // nil: nothing is logged
	Changed     func(PoolChange)    // nil: nobody wants to know; it must not block

	Settings // at the start, see Directory.Configure
}

// Configure has links dialled, and pools left, so from now on. Links that are up stay,
// those that are being dialled go on as they began, and lanes that have a place keep
// it. Any goroutine.
func (d *Directory) Configure(s Settings) {
	s = s.withDefaults()
	d.onDemand.makePlaces(s.OnDemand)
	d.settings.Store(&s)
}

// letGo is the default of DirectoryOptions.LetGo: miners that lose their
// connection are back well within it.
const letGo = time.Minute

func (o DirectoryOptions) withDefaults() DirectoryOptions {
	if o.LetGo <= 0 {
		o.LetGo = letGo
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Book == nil {
		o.Book = stats.New(stats.Options{})
	}
	return o
}

func (s Settings) withDefaults() Settings {
	s.Failover = s.Failover.withDefaults()
	if s.Dial == nil {
		s.Dial = dial.Direct
	}
	if s.DialFiles <= 0 {
		s.DialFiles = dial.Files
	}
	if s.OnDemand <= 0 {
		s.OnDemand = MaxOnDemand
	}
	return s
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
