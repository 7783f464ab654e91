package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/admin"
	"farmproxy/handover"
	"farmproxy/netloop"
	"farmproxy/systemd"
	"farmproxy/upstream"
)

// Sections of what is handed over, besides those of package netloop. They come in this
// order, and after them netloop's: each needs what is before it.
const (
	webSection        = "http"        // ahead: the socket that listens
	historySection    = "history"     // ahead: what is not written yet
	linksAheadSection = "links.ahead" // ahead
	ordersSection     = "orders"      // ahead, and again with the rest
	eventsSection     = "events"      // that are not written yet
	alertsSection     = "alerts"
	notifySection     = "notifications"
	splitsSection     = "splits"
	booksSection      = "books"
	linksSection      = "links"
)

// askBackTime bounds how long a process that has been handed over is there for those of
// its miners who have to connect again.
const askBackTime = 30 * time.Second

// successor is what this process starts when it hands itself over.
type successor struct {
	path   string          // of the binary on disk, which may be another than this one by now
	args   []string        // without the name
	mu     sync.Mutex      // held during an upgrade, and after the end
	ctx    context.Context // ends with this process
	stop   context.CancelFunc
	handed chan struct{} // closed when it serves
	relays relays        // of this process's links to the successor
}

// newSuccessor returns the one that runs as this process does. The link /proc/self/exe
// leads to the binary that runs, even if another one is in its place.
func newSuccessor() *successor {
	s := &successor{args: os.Args[1:], handed: make(chan struct{})}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.path, _ = exec.LookPath(os.Args[0])
	if s.path == "" {
		s.path, _ = os.Executable()
	}
	return s
}

// serves reports whether it does: this process is about to end.
func (s *successor) serves() bool {
	select {
	case <-s.handed:
		return true
	default:
		return false
	}
}

// callOff ends an upgrade that is under way, if it still can, and allows no other. It
// reports whether the successor serves.
func (s *successor) callOff() (serves bool) {
	s.stop()
	s.mu.Lock()
	return s.serves()
}

// Upgraded is the answer to the command upgrade.
type Upgraded struct {
	Version  string  `json:"version"`          // of the process that serves now
	PID      int     `json:"pid"`              // of that
	Prepared float64 `json:"prepared_seconds"` // until it was ready
	Frozen   float64 `json:"frozen_seconds"`   // how long nothing was read
	Miners   int64   `json:"miners"`           // that it has
}

var errUpgrading = errors.New("an upgrade is under way")

// upgrade runs the command: it hands this process over to a new one of the binary on
// disk. It goes on when the operator leaves.
func (p *proxy) upgrade(context.Context, *admin.Call) (any, error) {
	s := p.successor
	if !s.mu.TryLock() {
		return nil, errUpgrading
	}
	defer s.mu.Unlock()
	if s.serves() {
		return nil, errUpgrading
	}
	if p.duck.begun.Load() {
		return nil, errLameDuck
	}
	if !p.reloading.TryLock() {
		return nil, errors.New("the configuration is being reloaded: try again")
	}
	defer p.reloading.Unlock()
	if os.Getpid() == 1 {
		return nil, errors.New("farmproxy is the first process of its container, which ends with it: start a new container, and let the miners of this one go with farmproxy lame-duck")
	}
	p.log.Info("upgrade: starting the new process", "binary", s.path)
	miners := p.book.Status().Miners
	child, err := handover.Start(s.path, s.args, systemd.OwnVariables()...)
	if err != nil {
		return nil, fmt.Errorf("nothing has changed: %w", err)
	}
	report, err := handover.Give(s.ctx, child, Version(), giver{p, &s.relays})
	if err != nil {
		p.remember.resume()
		p.notify.thaw()
		p.log.Error("upgrade failed: this process goes on", "error", err)
		return nil, fmt.Errorf("nothing has changed, the running farmproxy goes on: %w", err)
	}
	p.warn(systemd.MainPID(report.PID))
	p.log.Info("upgrade: the new process serves, this one ends", "version", report.Version, "pid", report.PID, "miners", miners, "prepared", report.Prepared, "frozen", report.Frozen)
	if n := s.relays.left; n > 0 {
		p.log.Warn("upgrade: links over TLS stayed behind, and with them the verdicts on their last shares: raise LimitNOFILE if descriptors are short", "links", n, "most", maxRelays)
	}
	close(s.handed)
	return Upgraded{report.Version, report.PID, report.Prepared.Seconds(), report.Frozen.Seconds(), miners}, nil
}

// leave ends a process that has been handed over, at once when ctx ends. It touches no
// socket that is another process's now, and the kernel closes them all in the end.
func (p *proxy) leave(ctx context.Context) {
	var relaying sync.WaitGroup
	relaying.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, relayTime)
		defer cancel()
		p.successor.relays.run(ctx)
	})
	defer relaying.Wait()
	defer within(askBackTime, func(ctx context.Context) { p.warn(p.server.AskBack(ctx)) })
	within(stopTime, func(ctx context.Context) {
		var ending sync.WaitGroup
		ending.Go(func() { p.warn(p.admin.Shutdown(ctx)) }) // the answer to upgrade is out then
		ending.Go(func() { p.warn(p.web.Shutdown(ctx)) })
		p.warn(p.shares.End(ctx))
		ending.Wait()
	})
	if p.users != nil {
		within(stopTime, func(ctx context.Context) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				p.users.touch()
				p.warn(p.store.Close())
			}()
			select {
			case <-done:
			case <-ctx.Done():
			}
		})
	}
}

// giver hands a proxy over.
type giver struct {
	*proxy
	relays *relays
}

// Ahead implements handover.Giver.
func (g giver) Ahead(to *handover.Sender) error {
	if on, address := g.webPort.at(); on != nil {
		fd, err := duplicate(on)
		if err != nil {
			return fmt.Errorf("http.address: %w", err)
		}
		defer unix.Close(fd)
		if err := to.Send(webSection, []byte(address), fd); err != nil {
			return err
		}
	}
	if state := g.remember.pause(time.Now()); state != nil {
		if err := to.Send(historySection, state); err != nil {
			return err
		}
	}
	g.notify.freeze()
	if err := g.server.Ahead(to.Send); err != nil {
		return err
	}
	if err := to.Send(ordersSection, g.orders.state()); err != nil {
		return err
	}
	ahead, err := g.directory.Ahead()
	if err != nil {
		return err
	}
	return to.Send(linksAheadSection, ahead)
}

// Freeze implements handover.Giver.
func (g giver) Freeze(ctx context.Context) error {
	g.orders.freeze(true)
	g.viewLinks.Freeze(true)
	g.alerts.freeze(true)
	g.splits.freeze(true)
	g.directory.Freeze()
	return g.server.Freeze(ctx)
}

// State implements handover.Giver.
func (g giver) State(to *handover.Sender) error {
	if err := to.Send(booksSection, g.book.State()); err != nil {
		return err
	}
	if err := to.Send(ordersSection, g.orders.state()); err != nil {
		return err
	}
	if err := to.Send(eventsSection, g.remember.unwritten(time.Now())); err != nil {
		return err
	}
	if err := to.Send(notifySection, g.notify.state()); err != nil {
		return err
	}
	if err := to.Send(alertsSection, g.alerts.state(time.Now())); err != nil {
		return err
	}
	if err := to.Send(splitsSection, g.splits.state(time.Now())); err != nil {
		return err
	}
	links, wires, err := g.directory.State(g.relays.open)
	if err != nil {
		return err
	}
	files := make([]int, len(wires))
	for i, w := range wires {
		if relay, is := w.(*upstream.Relay); is {
			files[i] = g.relays.end(relay)
		} else {
			files[i] = netloop.SocketOf(w)
		}
	}
	if err := to.Send(linksSection, links, files...); err != nil {
		return err
	}
	g.relays.sent()
	return g.server.State(to.Send)
}

// Thaw implements handover.Giver.
func (g giver) Thaw() {
	g.relays.close()
	g.server.Thaw()
	g.directory.Thaw()
	g.orders.freeze(false)
	g.viewLinks.Freeze(false)
	g.alerts.freeze(false)
	g.splits.freeze(false)
}

// duplicate returns a duplicate of a listener's descriptor.
func duplicate(l net.Listener) (fd int, err error) {
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		return -1, err
	}
	var failed error
	err = raw.Control(func(of uintptr) { fd, failed = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, failed)
}
