package netloop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/descriptors"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

// Options make a server. Only Settings may change after New.
type Options struct {
	Listeners   []Listener          // at least one
	Loops       int                 // event loops; 0: one per CPU
	Descriptors *descriptors.Budget // each connection takes one; nil: no limit
	Book        *stats.Book
	Log         *slog.Logger

	Settings // initial settings, see Server.Configure
}

// Server is the downstream side of farmproxy: it listens for miners, and routes
// publish to it.
//
// Everything in it is either immutable after Run, atomic, or a mailbox: the
// loops share nothing else.
type Server struct {
	gnet.BuiltinEventEngine
	settings  atomic.Pointer[settings]
	files     *descriptors.Budget
	loopCount int
	listeners []*listener
	book      *stats.Book
	directory *upstream.Directory
	hasher    hasher
	shaker    shaker
	logins    logins
	parked    parked
	debts     debts
	log       *slog.Logger
	closed    closeLog
	full      fullLog
	started   time.Time

	engine  gnet.Engine
	booted  chan struct{}
	begin   func()        // called once the event loops exist
	running chan struct{} // closed by begin
	miners  atomic.Int64  // connections, for admission
	refuse  atomic.Bool   // stopping: newcomers are refused
	stopped atomic.Bool   // Stop was called: Run may return
	ended   chan struct{} // closed when Run returns

	registering sync.Mutex // gnet's choice of the next loop is not safe for concurrent use

	mu    sync.Mutex // guards changes of loops; an event loop may take it
	loops atomic.Pointer[[]*loop]
}

// New prepares a server. It fails if an address can't be listened on or
// Options.WorkerName can't be parsed.
func New(o Options) (*Server, error) {
	s := &Server{
		files:     o.Descriptors,
		loopCount: o.Loops,
		book:      o.Book,
		log:       o.Log,
		started:   time.Now(),
		booted:    make(chan struct{}),
		running:   make(chan struct{}),
		ended:     make(chan struct{}),
	}
	s.begin = sync.OnceFunc(s.begun)
	s.closed.log, s.full.log = o.Log, o.Log
	s.parked.byID = make(map[uint64]parkedSession)
	s.loops.Store(&[]*loop{})
	if s.loopCount == 0 {
		s.loopCount = runtime.GOMAXPROCS(0)
	}
	if err := s.Configure(o.Settings); err != nil {
		return nil, err
	}
	for _, o := range o.Listeners {
		l, err := newListener(o)
		if err != nil {
			return nil, err
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
}

// Addresses returns the addresses that the server listens on, with ports resolved.
func (s *Server) Addresses() (list []string) {
	for _, l := range s.listeners {
		list = append(list, l.Address)
	}
	return list
}

// Run serves miners until Stop, on the routes that directory gives. It returns an
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
	})
	defer s.shaker.stop()
	urls := make([]string, len(s.listeners))
	for i, l := range s.listeners {
		urls[i] = l.url()
	}
	err := gnet.Rotate(s, urls,
		gnet.WithNumEventLoop(s.loopCount),
		// Each loop accepts for itself, one connection at a time, and refuses
		// at once when full. With gnet's one acceptor, connections queue up
		// behind it with their descriptors open, and an EMFILE in accept ends
		// the engine.
		gnet.WithReusePort(true),
		gnet.WithReuseAddr(true),
		gnet.WithTicker(true),
		gnet.WithReadBufferCap(readBuffer),
		gnet.WithSocketSendBuffer(sendBuffer),
		gnet.WithTCPKeepAlive(keepaliveIdle),
		gnet.WithTCPKeepInterval(keepaliveInterval),
		gnet.WithTCPKeepCount(keepaliveCount),
		gnet.WithLogger(gnetLog{s.log}),
	)
	if err == nil && !s.stopped.Load() {
		err = errors.New("the event loops ended unexpectedly: out of file descriptors? check LimitNOFILE and miners.max")
	}
	return err
}

// Booted is closed once the server listens.
func (s *Server) Booted() <-chan struct{} { return s.booted }

// OnBoot implements gnet.EventHandler.
func (s *Server) OnBoot(e gnet.Engine) gnet.Action {
	s.engine = e
	close(s.booted)
	return gnet.None
}

// OnOpen implements gnet.EventHandler: admission.
func (s *Server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	l := s.loop(c.EventLoop())
	l.clock()
	switch x := c.Context().(type) {
	case *wire:
		return nil, x.open(l, c)
	case *bell:
		if !l.bells[0].CompareAndSwap(nil, x) {
			l.bells[1].Store(x)
		}
		return nil, gnet.None
	}
	l.crowded = true
	l.counts.Opened.Add(1)
	if s.refuse.Load() {
		l.counts.Closed[session.Shutdown].Add(1)
		return nil, gnet.Close
	}
	if !s.admit() {
		l.counts.Closed[session.Full].Add(1)
		s.full.note(makeAddress(addrPort(c.RemoteAddr())), s.settings.Load().MaxMiners, l.wall)
		if s.listener(c.LocalAddr()).Transport != nil {
			return nil, gnet.Close // unreadable before a handshake
		}
		return codec.AppendShowMessage(nil, "farmproxy is full, try another"), gnet.Close
	}
	setUserTimeout(c.Fd())
	l.add(c, s.listener(c.LocalAddr())).fd = int32(c.Fd())
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
		work.Prefetch(p, int(unsafe.Offsetof(p.route)))
	}
	l.clock()
	data, _ := c.Next(-1)
	switch x := context.(type) {
	case *peer:
		if l.stopping {
			return gnet.None // too late: nobody would receive the verdict
		}
		return l.read(x, data)
	case *wire:
		return x.received(data)
	case *bell:
		l.turn()
		return gnet.None
	}
	return gnet.Close // refused in OnOpen
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
	l.remove(p)
}

// OnTick implements gnet.EventHandler. gnet calls it on its own goroutine.
func (s *Server) OnTick() (time.Duration, gnet.Action) {
	s.begin()
	for _, l := range *s.loops.Load() {
		l.mailbox.tick()
	}
	s.parked.expire(time.Since(s.started))
	s.full.tell(time.Now())
	s.shaker.tick()
	return tickEvery, gnet.None
}

// begun gives each loop its bells. Until then, and without bells, gnet wakes the
// loops.
func (s *Server) begun() {
	for range 2 * s.loopCount {
		if err := s.hang(); err != nil {
			s.log.Debug("an event loop has no bells, so gnet wakes it", "reason", err)
			break
		}
	}
	close(s.running)
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
func (s *Server) Rerouted(r *upstream.Route) {
	for _, l := range *s.loops.Load() {
		l.mailbox.call(func() { l.rerouted(r) })
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
func (s *Server) newSessionID() uint64 { return rand.Uint64() | 1 }

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
