package stats

import (
	"fmt"
	"time"

	"farmproxy/work"
)

// Status is farmproxy at a glance.
type Status struct {
	Uptime     time.Duration // over all processes that have handed over to each other
	Ready      error         // nil: ready; else why not
	Miners     int64
	MinersMax  int64 // room for miners; 0 unknown
	Subscribed int64
	Authorized int64
	Workers    int // names with books
	WorkersUp  int // of these, with a miner
	LinksUp    int
	Links      int
	Pool       string // the active one, or the most preferred of several; "" none
	Shares     Shares // as told to miners
	Work       Work
	HashRate   float64 // of all workers over five minutes, in H/s
}

// Status returns the current state.
func (b *Book) Status() Status {
	now := b.now()
	b.workers.sweep(now)
	b.ledger.sweep(now)
	t := b.totals()
	s := Status{
		Uptime:     b.uptime(now),
		Ready:      b.Ready(),
		Miners:     t.miners,
		MinersMax:  b.minersMax.Load(),
		Subscribed: t.subscribed,
		Authorized: t.authorized,
		Shares:     t.shares,
		Work:       t.work,
	}
	pools, links := b.snapshot()
	for _, p := range pools {
		if p.Active.Load() {
			s.Pool = p.Name
			break
		}
	}
	for _, l := range links {
		if l.open.Load() {
			s.Links++
		}
		if l.up() {
			s.LinksUp++
		}
	}
	s.Workers, s.WorkersUp, s.HashRate = sum(b.workers.all(), now)
	return s
}

// sum returns the number of workers, how many of them have a miner, and their hash
// rate.
func sum(workers []*Worker, now time.Time) (n, up int, hashRate float64) {
	for _, w := range workers {
		w.mu.Lock()
		if w.miners > 0 {
			up++
		}
		hashRate += w.hashRate(now)
		w.mu.Unlock()
	}
	return len(workers), up, hashRate
}

// Miners returns how many miners are connected, and how many there is room for; 0: not known.
func (b *Book) Miners() (connected, room int64) { return b.totals().miners, b.minersMax.Load() }

// Ready returns nil if miners that connect now get work: farmproxy listens, and at
// least one link is up unless none is needed. Otherwise the error says why not, in a
// sentence.
func (b *Book) Ready() error {
	if err := *b.ready.Load(); err != nil {
		return err
	}
	if b.linkless.Load() {
		return b.accountless()
	}
	pools, links := b.snapshot()
	for _, l := range links {
		if l.up() {
			return nil
		}
	}
	for _, p := range pools {
		if e := p.LastError.Load(); e != nil && *e != "" {
			return fmt.Errorf("no link to a pool is up; pool %q: %s", p.Name, *e)
		}
	}
	return fmt.Errorf("no link to a pool is up")
}

// LinkInfo is a snapshot of a link.
type LinkInfo struct {
	Pool        string
	Lane        int
	User        string // the account whose lane it serves; "" for the configuration's pools
	State       LinkState
	Connects    uint64
	Jobs        uint64
	CleanJobs   uint64
	Submitted   uint64
	Resubmitted uint64
	InFlight    int64
	Shares      Shares // the pool's verdicts
	Work        Work
	Difficulty  float64
	Extranonce2 int // size in bytes; 0 unknown
	VersionMask uint32
	LastNotify  time.Time // zero: never
	Latency     Latency
	BytesUp     uint64
	BytesDown   uint64
	Malformed   uint64 // lines and frames from the pool that were ignored
}

// Links returns the open links, ordered by the pools' rank, then by lane.
func (b *Book) Links() []LinkInfo {
	_, links := b.snapshot()
	infos := make([]LinkInfo, 0, len(links))
	for _, l := range links {
		if l.open.Load() {
			infos = append(infos, l.info())
		}
	}
	return infos
}

func (l *Link) info() LinkInfo {
	i := LinkInfo{
		Pool:        l.Pool,
		Lane:        l.Lane,
		State:       LinkState(l.State.Load()),
		Connects:    l.Connects.Load(),
		Jobs:        l.Jobs.Load(),
		CleanJobs:   l.CleanJobs.Load(),
		Submitted:   l.Submitted.Load(),
		Resubmitted: l.Resubmitted.Load(),
		InFlight:    l.InFlight.Load(),
		Difficulty:  l.Difficulty.Load(),
		Extranonce2: int(l.Extranonce2.Load()),
		VersionMask: l.VersionMask.Load(),
		BytesUp:     l.BytesUp.Load(),
		BytesDown:   l.BytesDown.Load(),
		Malformed:   l.Malformed.Load(),
	}
	if n := l.LastNotify.Load(); n != 0 {
		i.LastNotify = time.Unix(0, n)
	}
	if user := l.User.Load(); user != nil {
		i.User = *user
	}
	for v := range work.NumVerdicts {
		i.Shares[v] = l.Verdicts[v].Load()
		i.Work[v] = l.Work[v].Load()
	}
	i.Latency.add(&l.latency)
	return i
}

// up reports whether the link serves miners.
func (l *Link) up() bool { return LinkState(l.State.Load()) == LinkUp }

// Pools returns the pools, preferred ones first.
func (b *Book) Pools() []*Pool {
	pools, _ := b.snapshot()
	return pools
}
