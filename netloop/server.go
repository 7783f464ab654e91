package netloop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/descriptors"
	"farmproxy/guard"
	"farmproxy/session"
	"farmproxy/sharelog"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

// Options make a server. Only Settings may change after New.
type Options struct {
	Loops       int                 // event loops; 0: one per CPU
	Descriptors *descriptors.Budget // each connection takes one; nil: no limit
	Book        *stats.Book
	Shares      *sharelog.Log // gets each share; nil: nobody wants them
	Log         *slog.Logger

	// Storm, unless nil, is told when a storm of handshakes begins and when it is over: it may
	// take a moment.
	Storm func(begins bool)

	// Inherit says that the server takes over from another process: until Serve it takes
	// nothing but what Restore is given. nil: it does not.
	Inherit *Inheritance

	Settings // initial settings, see Server.Configure
}

// Server is the downstream side of farmproxy: it listens for miners, and goals
// publish to it.
//
// Everything in it is either immutable after Run, atomic, or a mailbox: the
// loops share nothing else.
type Server struct {
	gnet.BuiltinEventEngine
	settings  atomic.Pointer[settings]
	files     *descriptors.Budget
	loopCount int
	ports     ports
	book      *stats.Book
	shares    *sharelog.Log
	storm     func(bool)
	directory *upstream.Directory
	hasher    hasher
	shaker    shaker
	logins    logins
	parked    parked
	guard     *guard.Guard
	debts     debts
	unproven  unproven
	log       *slog.Logger
	closed    closeLog
	full      fullLog
	moving    sync.Mutex // held by Move
	tracing   sync.Mutex // guards changes of traces
	traces    atomic.Pointer[traces]
	started   time.Time
	stall     stall // OnTick's

	engine  *gnet.Client  // gnet's name for event loops that do not listen
	running chan struct{} // closed once the loops run
	booted  chan struct{} // closed once miners are accepted
	miners  atomic.Int64  // connections, for admission
	refuse  atomic.Bool   // stopping: newcomers are refused
	stop    func()        // Stop was called
	stopped chan struct{} // closed by stop
	failed  chan struct{} // gets a value when a loop has ended by itself
	ended   chan struct{} // closed when Run returns

	still     atomic.Pointer[standstill] // nil: it does not stand still
	ticking   sync.Mutex                 // held by OnTick, and while the server stands still
	inherited inheritance

	mu    sync.Mutex // guards changes of loops; an event loop may take it
	loops atomic.Pointer[[]*loop]
}

// New prepares a server. It fails if an address can't be listened on or
// Options.WorkerName can't be parsed. Who connects to an open port waits for Run.
func New(o Options) (*Server, error) {
	s := &Server{
		files:     o.Descriptors,
		loopCount: o.Loops,
		book:      o.Book,
		shares:    o.Shares,
		log:       o.Log,
		storm:     o.Storm,
		started:   time.Now(),
		booted:    make(chan struct{}),
		running:   make(chan struct{}),
		stopped:   make(chan struct{}),
		failed:    make(chan struct{}, 1),
		ended:     make(chan struct{}),
	}
	if s.storm == nil {
		s.storm = func(bool) {}
	}
	s.stop = sync.OnceFunc(func() { close(s.stopped) })
	s.closed.log, s.full.log = o.Log, o.Log
	s.traces.Store(new(traces))
	s.guard = guard.New()
	if o.Inherit != nil {
		s.inherited.begin(o.Inherit)
		s.ports.inherited = o.Inherit.ports
	}
	if _, err := rand.Read(s.debts.seed[:]); err != nil {
		return nil, err
	}
	s.parked.byID = make(map[uint64]parkedSession)
	s.loops.Store(&[]*loop{})
	if s.loopCount == 0 {
		s.loopCount = runtime.GOMAXPROCS(0)
	}
	if err := s.Configure(o.Settings); err != nil {
		return nil, err
	}
	return s, nil
}

// Addresses returns the addresses that the server listens on, with ports resolved.
func (s *Server) Addresses() []string { return s.ports.bound() }

// Run serves miners until Stop, on the goals that directory gives. It returns an
// error if the event loops end for another reason: the caller should exit, so that the
// service manager starts it again.
func (s *Server) Run(directory *upstream.Directory) error {
	defer close(s.ended)
	s.directory = directory
	s.parked.prefixes = directory.Prefixes()
	s.hasher.ready(max(1, runtime.GOMAXPROCS(0)/2), func(h *hashed) {
		index, _, _ := splitCookie(h.cookie)
		(*s.loops.Load())[index].mailbox.hash(h)
	})
	defer s.hasher.stop()
	s.shaker.ready(max(1, runtime.GOMAXPROCS(0)/2), s.started, func(x *step) {
		index, _, _ := splitCookie(x.cookie)
		(*s.loops.Load())[index].mailbox.shake(x)
	}, s.storm)
	defer s.shaker.stop()
	if err := s.runLoops(); err != nil {
		return err
	}
	close(s.running)
	if !s.inherited.waits.Load() {
		s.accept()
	}
	var err error
	select {
	case <-s.stopped:
		s.ports.end()
	case <-s.failed:
		s.ports.close()
		err = errors.New("the event loops ended unexpectedly")
	}
	return errors.Join(err, s.engine.Stop())
}

// accept opens the ports to miners.
func (s *Server) accept() {
	s.ports.start(func(p *port) { p.accept(s) })
	close(s.booted)
}

// runLoops starts the event loops.
func (s *Server) runLoops() (err error) {
	s.engine, err = gnet.NewClient(s,
		gnet.WithNumEventLoop(s.loopCount),
		gnet.WithTicker(true),
		gnet.WithReadBufferCap(readBuffer),
		gnet.WithLogger(gnetLog{s.log}),
	)
	if err == nil {
		err = s.engine.Start()
	}
	if err != nil {
		return fmt.Errorf("the event loops do not start: %w; raise LimitNOFILE if descriptors are short", err)
	}
	s.hangBells()
	s.openRings()
	return nil
}

// Booted is closed once the server accepts miners.
func (s *Server) Booted() <-chan struct{} { return s.booted }

// OnOpen implements gnet.EventHandler.
func (s *Server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	l := s.loop(c.EventLoop())
	l.clock()
	switch x := c.Context().(type) {
	case *wire:
		return nil, x.open(l, c)
	case *heir:
		x.arrive(c)
		return nil, gnet.None
	case *bell:
		if !l.bells[0].CompareAndSwap(nil, x) {
			l.bells[1].Store(x)
		}
		return nil, gnet.None
	case *listener:
		return s.opened(l, c, x, false)
	case *counted:
		return s.opened(l, c, x.from, true)
	}
	return nil, gnet.Close
}

// opened is OnOpen for a miner's connection.
func (s *Server) opened(l *loop, c gnet.Conn, from *listener, counted bool) ([]byte, gnet.Action) {
	l.crowded = true
	l.counts.Opened.Add(1)
	if s.refuse.Load() {
		l.counts.Closed[session.Shutdown].Add(1)
		return nil, gnet.Close
	}
	if !s.admit() {
		if counted {
			s.guard.Left(addrPort(c.RemoteAddr()).Addr())
		}
		l.counts.Closed[session.Full].Add(1)
		s.full.note(makeAddress(addrPort(c.RemoteAddr())), s.settings.Load().MaxMiners, l.wall)
		if from.Transport != nil {
			return nil, gnet.Close // unreadable before a handshake
		}
		return codec.AppendShowMessage(nil, "farmproxy is full, try another"), gnet.Close
	}
	setTimeouts(c.Fd())
	p := l.add(c, from)
	p.fd = int32(c.Fd())
	if counted {
		p.more().counted = true
	}
	*c.RemoteAddr().(*net.TCPAddr) = net.TCPAddr{} // the peer has it, in less memory
	return nil, gnet.None
}

// admit reserves the resources of a connection; false: there is no room.
func (s *Server) admit() bool {
	if s.miners.Add(1) > int64(s.settings.Load().MaxMiners) || !s.files.Take(descriptors.Miner, 1) {
		s.miners.Add(-1)
		return false
	}
	return true
}

// OnTraffic implements gnet.EventHandler.
func (s *Server) OnTraffic(c gnet.Conn) gnet.Action {
	l := s.loop(c.EventLoop())
	context := c.Context()
	if p, ok := context.(*peer); ok {
		work.Prefetch(p, int(unsafe.Offsetof(p.goal)))
	}
	l.clock()
	data, _ := c.Next(-1)
	switch x := context.(type) {
	case *peer:
		if l.stopping {
			return gnet.None // too late: nobody would receive the verdict
		}
		if s.inherited.waits.Load() && x.goal == nil && isAgent(x) { // in this order: the goal is on its way from memory
			return gnet.Close // it hung up, and has no lane that its miners could join
		}
		action := l.read(x, data)
		if l.handed >= longTurn {
			l.turn()
		}
		return action
	case *wire:
		return x.received(data)
	case *bell:
		l.turn()
		return gnet.None
	}
	return gnet.Close // refused in opened
}

// OnClose implements gnet.EventHandler.
func (s *Server) OnClose(c gnet.Conn, err error) gnet.Action {
	l := s.loop(c.EventLoop())
	switch x := c.Context().(type) {
	case *peer:
		s.left(l, x)
	case *wire:
		x.closed(err)
	case *bell:
		x.rope.Close()
		select {
		case s.failed <- struct{}{}: // unless it was stopped, which Run knows
		default:
		}
	}
	return gnet.None
}

// left is OnClose for a miner's connection.
func (s *Server) left(l *loop, p *peer) {
	s.miners.Add(-1)
	s.files.Give(descriptors.Miner, 1)
	if p.reason != session.MinerLeft && p.reason != session.Shutdown {
		s.closed.note(p.reason, p.remote.String(), p.cause(), l.wall)
	}
	l.goes(p)
	l.remove(p)
}

// OnTick implements gnet.EventHandler. gnet calls it on its own goroutine.
func (s *Server) OnTick() (time.Duration, gnet.Action) {
	stood, skip := s.stall.tick(time.Since(s.started))
	if stood > 0 {
		s.log.Warn("farmproxy stood still: its process or the machine was stopped, or had no processor time", "seconds", int(stood.Seconds()))
	}
	if skip {
		return tickEvery, gnet.None
	}
	if s.inherited.waits.Load() || !s.ticking.TryLock() {
		return tickEvery, gnet.None
	}
	defer s.ticking.Unlock()
	for _, l := range *s.loops.Load() {
		l.mailbox.tick()
	}
	s.parked.expire(time.Since(s.started))
	s.full.tell(time.Now())
	s.shaker.tick()
	return tickEvery, gnet.None
}

// loop returns our loop for gnet's. gnet does not list its loops, so each is added at
// its first connection.
func (s *Server) loop(g gnet.EventLoop) *loop {
	for _, l := range *s.loops.Load() {
		if l.gnet == g {
			return l
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.loops.Load()
	l := newLoop(s, len(known), g)
	grown := append(append([]*loop(nil), known...), l)
	s.loops.Store(&grown)
	return l
}

// Publish implements upstream.Downstream.
func (s *Server) Publish(p upstream.Post) {
	for _, l := range *s.loops.Load() {
		l.mailbox.post(p)
	}
}

// Verdicts implements upstream.Downstream.
func (s *Server) Verdicts(list []upstream.Verdict) {
	for _, l := range *s.loops.Load() {
		l.mailbox.verdicts(l.index, list)
	}
}

// Outgrown implements upstream.Downstream.
func (s *Server) Outgrown(lane *upstream.Lane) {
	for _, l := range *s.loops.Load() {
		l.mailbox.call(func() { l.outgrown(lane) })
	}
}

// Rerouted implements upstream.Downstream.
func (s *Server) Rerouted(g *upstream.Goal) {
	for _, l := range *s.loops.Load() {
		l.mailbox.call(func() { l.rerouted(g) })
	}
}

// Dismissed implements upstream.Downstream.
func (s *Server) Dismissed(lane *upstream.Lane) {
	for _, l := range *s.loops.Load() {
		l.mailbox.call(func() { l.dismissed(lane) })
	}
}

// LoggedIn returns the accounts that miners have logged in to since the last call.
func (s *Server) LoggedIn() []string { return s.logins.take() }

// newSessionID returns an unguessable id; never 0.
func (s *Server) newSessionID() uint64 { return mathrand.Uint64() | 1 }

// Alive returns nil once every loop has answered, or ctx's error.
func (s *Server) Alive(ctx context.Context) error {
	loops := *s.loops.Load()
	answered := make(chan struct{}, len(loops))
	for _, l := range loops {
		l.mailbox.call(func() {
			select {
			case answered <- struct{}{}:
			default: // never full: it has room for all loops
			}
		})
	}
	for i := range loops {
		select {
		case <-answered:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d event loops do not answer: %w", len(loops)-i, len(loops), ctx.Err())
		}
	}
	return nil
}
