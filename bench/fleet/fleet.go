package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"farmproxy/bench/figure"
	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
	"farmproxy/bench/wire"
)

// Options say who the miners are and how they behave. Start from DefaultOptions.
type Options struct {
	Target    string // host:port of the proxy or pool
	Miners    int    // 1..MaxMiners
	Algorithm *proof.Algorithm
	Account   string                 // worker names are Account.rigNNNNN ...
	Name      func(miner int) string // ... unless this is set
	Password  string
	Agents    []string    // user agents, in turn
	Sources   []string    // local addresses to dial from, in turn; none: the system's choice
	TLS       *tls.Config // what miners connect over; nil: plain TCP
	Behind    int         // agents that carry the miners, each over one connection; 0: every miner has its own

	Connecting  int     // dials at the same time
	ConnectRate float64 // dials per second; 0: as fast as Connecting allows
	Rate        float64 // shares per second of the whole fleet; SetRate changes it
	Mask        uint32  // version bits to ask for; 0 does not configure version rolling
	RollTime    bool    // miners move the time of a job on by up to a second
	Reconnect   bool    // a miner that lost its connection dials again, with its session id
	Seed        uint64  // of who mines next, nonces and version bits

	Size func(miner int) float64 // how often a miner finds a share, compared with others; nil: all find as many
}

// MaxMiners is the most that a proxy's link carries. DescriptorReserve is what a
// process needs beside the miners' descriptors: pools, logs, the child.
const (
	MaxMiners         = 65_536
	DescriptorReserve = 100
)

// DefaultOptions returns a fleet of 100 miners that send 10 shares a second.
func DefaultOptions(target string) Options {
	return Options{
		Target: target, Miners: 100, Algorithm: proof.SHA256d, Account: "farm", Password: "x",
		Agents:     []string{"cgminer/4.12.1", "bmminer/2.0.0", "whatsminer/v1.1", "bosminer-plus-tuner", "bitaxe/BM1370/v2.9"},
		Sources:    []string{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"},
		Connecting: 64, Rate: 10, Mask: 0x1fffe000, RollTime: true, Reconnect: true, Seed: 1,
	}
}

func (o Options) check() error {
	switch {
	case o.Algorithm == nil:
		return errors.New("fleet: algorithm: want one, such as SHA256d")
	case o.Miners < 1 || o.Miners > MaxMiners:
		return fmt.Errorf("fleet: miners: want 1 to %d, got %d", MaxMiners, o.Miners)
	case o.Behind < 0 || o.Behind > o.Miners:
		return fmt.Errorf("fleet: agents: want 0 to %d, one for each miner, got %d", o.Miners, o.Behind)
	case o.Behind > 0 && (o.Miners+o.Behind-1)/o.Behind > wire.AgentSessions:
		return fmt.Errorf("fleet: %d agents carry %d miners at the most, got %d: take more agents", o.Behind, o.Behind*wire.AgentSessions, o.Miners)
	case o.Connecting < 1:
		return fmt.Errorf("fleet: connecting: want 1 or more dials at the same time, got %d", o.Connecting)
	case o.Rate < 0 || o.ConnectRate < 0:
		return fmt.Errorf("fleet: rates: want 0 or more")
	}
	var files syscall.Rlimit // the runtime has raised it to the maximum
	connections := o.Miners
	if o.Behind > 0 {
		connections = o.Behind
	}
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil && uint64(connections+DescriptorReserve) > uint64(files.Cur) {
		return fmt.Errorf("fleet: %d connections need %d file descriptors, this process may have %d: raise the limit (ulimit -n) or take fewer miners",
			connections, connections+DescriptorReserve, files.Cur)
	}
	for _, s := range o.Sources {
		if net.ParseIP(s) == nil {
			return fmt.Errorf("fleet: source address: want an IP address, got %q", s)
		}
	}
	return nil
}

// Fleet is a farm of miners that really mine, each with its own connection or all
// behind a few agents. Its methods may be called from any goroutine.
type Fleet struct {
	o      Options
	ctx    context.Context // ended by Close
	cancel context.CancelFunc
	group  sync.WaitGroup
	miners []*miner
	agents []*agent // that carry the miners; empty: each has its own connection
	jobs   jobCache
	books  *Books

	ready    atomic.Int64 // miners that are authorized and have a job
	allReady chan struct{}
	allOnce  sync.Once
	rate     atomic.Uint64 // shares per 1000 s
	rounds   atomic.Int64  // of the mining
	pending  atomic.Int64  // submits without an answer
}

// New makes a fleet; Connect starts it.
func New(o Options) (*Fleet, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f := &Fleet{o: o, allReady: make(chan struct{}), books: newBooks(o.Miners)}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.SetRate(o.Rate)
	for i := range o.Miners {
		name := fmt.Sprintf("%s.rig%05d", o.Account, i)
		if o.Name != nil {
			name = o.Name(i)
		}
		f.miners = append(f.miners, newMiner(f, i, name))
	}
	for range o.Behind {
		f.agents = append(f.agents, &agent{fleet: f})
	}
	for i, m := range f.miners {
		if o.Behind > 0 {
			m.agent = f.agents[i%o.Behind]
			m.place = uint16(len(m.agent.miners))
			m.agent.miners = append(m.agent.miners, m)
		}
	}
	return f, nil
}

// Connect dials all miners, starts the mining, and returns once each of them is
// authorized and has a job, or with an error if ctx ends first. In either case the
// fleet works on until Close.
func (f *Fleet) Connect(ctx context.Context) error {
	f.group.Go(f.mine)
	callers := f.callers()
	turn := make(chan caller)
	for range min(f.o.Connecting, len(callers)) {
		f.group.Go(func() {
			for c := range turn {
				c.connect()
			}
		})
	}
	f.group.Go(func() {
		defer close(turn)
		start := time.Now()
		for i, c := range callers {
			if f.o.ConnectRate > 0 {
				due := start.Add(time.Duration(float64(i) / f.o.ConnectRate * float64(time.Second)))
				if !f.wait(time.Until(due)) {
					return
				}
			}
			select {
			case turn <- c:
			case <-f.ctx.Done():
				return
			}
		}
	})
	select {
	case <-f.allReady:
		return nil
	case <-f.ctx.Done():
		return fmt.Errorf("fleet: closed while %d of %d miners were at work", f.Ready(), f.o.Miners)
	case <-ctx.Done():
		return fmt.Errorf("fleet: %d of %d miners are authorized and have a job: %w; last trouble: %s",
			f.Ready(), f.o.Miners, ctx.Err(), f.books.LastTrouble())
	}
}

// caller is the owner of a connection: a miner or an agent.
type caller interface {
	connect()
	hangUp()
}

func (f *Fleet) callers() (all []caller) {
	for _, a := range f.agents {
		all = append(all, a)
	}
	if all != nil {
		return all
	}
	for _, m := range f.miners {
		all = append(all, m)
	}
	return all
}

// wait returns false if the fleet was closed before d had passed.
func (f *Fleet) wait(d time.Duration) bool {
	if d <= 0 {
		return f.ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-f.ctx.Done():
		return false
	}
}

// Name returns the worker name of a miner, by its index.
func (f *Fleet) Name(miner int) string { return f.miners[miner].name }

// Since returns when that miner was last authorized; zero: never.
func (f *Fleet) Since(miner int) time.Time {
	m := f.miners[miner]
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.since
}

// Connected returns how many miners have a connection, or a place on their agent's.
func (f *Fleet) Connected() (n int) {
	for _, m := range f.miners {
		if m.joined() {
			n++
		}
	}
	return n
}

// Ready returns how many miners are now authorized and have a job.
func (f *Fleet) Ready() int { return int(f.ready.Load()) }

// Pending returns how many submits have no answer yet.
func (f *Fleet) Pending() int { return int(f.pending.Load()) }

// Books returns the fleet's books.
func (f *Fleet) Books() *Books { return f.books }

// Options returns the options that the fleet was made with.
func (f *Fleet) Options() Options { return f.o }

// Arrived returns how many miners the work has reached, and when it reached the last
// one.
func (f *Fleet) Arrived(key proof.WorkKey) (miners int, last time.Time) { return f.jobs.arrived(key) }

// SetRate sets the fleet's shares per second; 0 pauses the mining.
func (f *Fleet) SetRate(perSecond float64) { f.rate.Store(uint64(perSecond * 1000)) }

// Leave disconnects the first miners, which stay away until Return. Settle first:
// unanswered submits stay unanswered.
func (f *Fleet) Leave(miners int) {
	for _, m := range f.miners[:miners] {
		m.leave()
	}
}

// Return brings back the miners that left, once they are gone.
func (f *Fleet) Return(miners int) {
	for _, m := range f.miners[:miners] {
		m.comeBack()
	}
}

// Settle stops the mining (SetRate resumes it) and waits until every submit has been
// answered, or ctx ends.
func (f *Fleet) Settle(ctx context.Context) error {
	f.SetRate(0)
	round := f.rounds.Load()
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for f.rounds.Load() < round+2 || f.Pending() > 0 { // the second round began without a rate
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("fleet: %d shares have no answer: %w", f.Pending(), ctx.Err())
		}
	}
	return nil
}

const settleEvery = 5 * time.Millisecond

// Close ends all connections and returns once no goroutine is left. Unanswered submits
// stay unanswered.
func (f *Fleet) Close() {
	f.cancel()
	for _, c := range f.callers() {
		c.hangUp()
	}
	f.group.Wait()
}

// mineEvery is how often the mining catches up with the rate, and mineDebt how
// far it may lag: beyond that the machine is too slow for the rate, and shares
// are left out (and counted as such) rather than sent in a burst.
const (
	mineEvery = 2 * time.Millisecond
	mineDebt  = time.Second
)

// mine makes miners find shares, so that the fleet as a whole keeps the rate.
func (f *Fleet) mine() {
	rnd := rand.New(rand.NewPCG(f.o.Seed, 3))
	next, due := f.turns(rnd), 0.0
	var a mine.Attempt
	last := time.Now()
	for f.wait(mineEvery) {
		f.rounds.Add(1)
		rate := float64(f.rate.Load()) / 1000
		now := time.Now()
		due += rate * now.Sub(last).Seconds()
		last = now
		if most := rate * mineDebt.Seconds(); due > most+1 {
			f.books.leaveOut(int(due - most))
			due = most
		}
		for ; due >= 1 && f.ctx.Err() == nil; due-- {
			next().share(rnd, &a)
		}
	}
}

// turns returns who finds the next share: one miner after another, in an order that changes
// each round; where they have sizes, anybody, the larger the more often.
func (f *Fleet) turns(rnd *rand.Rand) (next func() *miner) {
	if f.o.Size == nil {
		order := rnd.Perm(len(f.miners))
		at := 0
		return func() *miner {
			if at == len(order) {
				rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
				at = 0
			}
			at++
			return f.miners[order[at-1]]
		}
	}
	sums := make([]float64, len(f.miners)) // of the sizes up to each miner's
	sum := 0.0
	for i := range sums {
		sum += f.o.Size(i)
		sums[i] = sum
	}
	return func() *miner {
		at, _ := slices.BinarySearch(sums, rnd.Float64()*sum)
		return f.miners[min(at, len(f.miners)-1)]
	}
}

// Status describes the fleet on one line.
func (f *Fleet) Status() string {
	n := f.Books().Total()
	s := fmt.Sprintf("%d of %d miners at work, %d shares sent: %d accepted, %d refused, %d pending; round trip %s, 99%% %s",
		f.Ready(), f.Options().Miners, n.Submits, n.Accepted, n.Refused, f.Pending(),
		figure.Short(f.Books().RoundTrip(0.5)), figure.Short(f.Books().RoundTrip(0.99)))
	for _, extra := range []struct {
		n    int
		what string
	}{{n.Disconnects, "disconnects"}, {n.Unanswered, "unanswered"}, {n.LeftOut, "left out"}, {n.TooHard, "too hard"}, {n.Garbage, "garbage"}} {
		if extra.n > 0 {
			s += fmt.Sprintf(", %d %s", extra.n, extra.what)
		}
	}
	return s
}
