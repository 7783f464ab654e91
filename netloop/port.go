package netloop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// acceptors is how many goroutines accept from a port, each one connection at a
	// time: it hands the connection to a loop, and accepts the next one when the loop
	// has it. So they bound the connections that no limit has counted yet. With four,
	// the loops are the bottleneck when a whole farm connects at once.
	acceptors = 4

	// PortFiles are the descriptors of a port: its own, and two for each connection on
	// its way to a loop, which gets a duplicate.
	PortFiles = 1 + 2*acceptors

	// acceptPause is the wait while accept fails, as it does when descriptors run out:
	// long enough not to spin. The kernel keeps the connections meanwhile.
	acceptPause = 100 * time.Millisecond
)

// port is a socket that listens, and the goroutines that accept from it. gnet can't
// open or close a port while its loops run, and an accept that fails ends its engine.
type port struct {
	listener atomic.Pointer[listener] // what newcomers get
	socket   *net.TCPListener
	closed   chan struct{}
	failing  atomic.Bool // the last accept failed, and the log says so
}

// openPort opens a port, from which nobody accepts yet: the kernel keeps those that
// connect.
func openPort(o Listener) (*port, error) {
	network, err := networkOf(o.Address)
	if err != nil {
		return nil, fmt.Errorf("listener %q: %w", o.Address, err)
	}
	way := net.ListenConfig{
		KeepAlive: -1, // setTimeouts sets it
		Control: func(_, _ string, raw syscall.RawConn) error {
			var failed error
			err := raw.Control(func(fd uintptr) {
				failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer) // connections inherit it
			})
			return errors.Join(err, failed)
		},
	}
	way.SetMultipathTCP(false) // no miner speaks it
	socket, err := way.Listen(context.Background(), network, o.Address)
	if err != nil {
		return nil, fmt.Errorf("listener %q: %w: is another farmproxy using it, or is the port below 1024?", o.Address, err)
	}
	return newPort(o, socket.(*net.TCPListener)), nil
}

// newPort returns the port of a socket that listens.
func newPort(o Listener, socket *net.TCPListener) *port {
	p := &port{socket: socket, closed: make(chan struct{})}
	p.serve(o)
	return p
}

// serve has newcomers get what o says.
func (p *port) serve(o Listener) {
	host, _, _ := net.SplitHostPort(o.Address)
	bound := net.JoinHostPort(host, strconv.Itoa(p.socket.Addr().(*net.TCPAddr).Port))
	p.listener.Store(&listener{o, bound})
}

// accept hands connections to the loops until the port is closed.
func (p *port) accept(s *Server) {
	for {
		err := s.acceptOne(p)
		switch {
		case err == nil:
			continue
		case errors.Is(err, net.ErrClosed):
			return
		case !p.failing.Swap(true):
			s.log.Warn("cannot accept miners; still trying", "address", p.listener.Load().bound, "error", err)
		}
		pause := time.NewTimer(acceptPause)
		select {
		case <-pause.C:
		case <-p.closed:
			pause.Stop()
		}
	}
}

// acceptOne hands the next connection to a loop.
func (s *Server) acceptOne(p *port) error {
	s.ports.gate.RLock()
	defer s.ports.gate.RUnlock()
	conn, err := p.socket.AcceptTCP()
	switch {
	case err == nil:
		p.failing.Store(false)
		s.bring(conn, p.listener.Load())
	case s.ports.paused.Load():
		return nil
	}
	return err
}

// close ends accept. Who is connected stays.
func (p *port) close() {
	close(p.closed)
	_ = p.socket.Close()
}

// bring hands a new connection to a loop.
func (s *Server) bring(conn *net.TCPConn, from *listener) {
	plainAddresses(conn)
	remote := addrPort(conn.RemoteAddr()).Addr()
	var context any = from
	if from.proxyRule(remote) == proxyRefused { // else the PROXY header, if there is one, says who comes
		reason, count, ok := s.welcomes(from, remote)
		switch {
		case !ok:
			s.turnAway(conn, reason)
			return
		case count:
			context = &counted{from}
		}
	}
	if err := s.register(conn, context); err != nil {
		if from != context {
			s.guard.Left(remote)
		}
		s.log.Debug("a connection was lost on its way to an event loop", "error", err)
	}
}

// plainAddresses prepares a connection for gnet, which keeps both addresses. Nobody needs
// the local one, and gnet would take the zone's memory for its own.
func plainAddresses(conn *net.TCPConn) {
	*conn.LocalAddr().(*net.TCPAddr) = net.TCPAddr{}
	conn.RemoteAddr().(*net.TCPAddr).Zone = ""
}

// ports are those that are open. Its lock is not for event loops: to open a port may take
// a moment.
type ports struct {
	mu        sync.Mutex
	open      []*port     // in the order of Settings.Listeners
	over      bool        // none will be open any more
	accept    func(*port) // nil: the loops are not ready yet
	accepting sync.WaitGroup

	paused    atomic.Bool                 // nobody is accepted
	gate      sync.RWMutex                // closed while paused
	shut      chan struct{}               // closed when gate is; pause and resume have it in turn
	inherited map[string]*net.TCPListener // by address: of the process before, until Serve
}

// change opens the ports of a list that are not open, and closes those that are not in
// it, after do. If one can't be opened, nothing changes, and do is not called.
func (ps *ports) change(list []Listener, do func()) error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.over {
		return errStopping
	}
	left, next := slices.Clone(ps.open), make([]*port, len(list))
	for i, l := range list {
		if j := slices.IndexFunc(left, func(p *port) bool { return p.listener.Load().Address == l.Address }); j >= 0 {
			next[i] = left[j]
			left = slices.Delete(left, j, j+1)
		}
	}
	var fresh []*port
	for i, l := range list {
		if next[i] != nil {
			continue
		}
		p, err := ps.port(l)
		if err != nil {
			for _, p := range fresh {
				p.close()
			}
			return err
		}
		next[i], fresh = p, append(fresh, p)
	}
	do()
	for i, l := range list {
		next[i].serve(l)
	}
	ps.open = next
	for _, p := range fresh {
		ps.begin(p)
	}
	for _, p := range left {
		p.close()
	}
	return nil
}

// begin has a port's connections accepted, once loops are ready for them.
func (ps *ports) begin(p *port) {
	if ps.accept == nil {
		return
	}
	for range acceptors {
		ps.accepting.Go(func() { ps.accept(p) })
	}
}

// start begins to accept from all ports.
func (ps *ports) start(accept func(*port)) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.accept = accept
	for _, p := range ps.open {
		ps.begin(p)
	}
}

// close closes all ports for good.
func (ps *ports) close() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.open {
		p.close()
	}
	ps.open, ps.over = nil, true
}

// end closes all ports, and returns when the loops have what was accepted.
func (ps *ports) end() {
	ps.close()
	ps.accepting.Wait()
}

// bound returns the addresses of all ports.
func (ps *ports) bound() (list []string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.open {
		list = append(list, p.listener.Load().bound)
	}
	return list
}
