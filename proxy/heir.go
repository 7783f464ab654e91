package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/admin"
	"farmproxy/config"
	"farmproxy/handover"
	"farmproxy/netloop"
	"farmproxy/systemd"
)

// dialTime is how long an heir waits for the links that it has to dial anew. Lanes
// without one by then are in the state of one whose link is lost.
const dialTime = 20 * time.Second

// Predecessor is the running farmproxy that started this process to take over from it.
type Predecessor struct {
	conn     *net.UnixConn
	complete func() error // called when everything is in its place; nil but in tests
}

// Inherited returns the farmproxy that started this process to take over from it; nil:
// this process was started in the usual way.
func Inherited() (*Predecessor, error) {
	conn, err := handover.Inherited()
	if conn == nil {
		return nil, err
	}
	return &Predecessor{conn: conn}, nil
}

// Refuse tells the predecessor why this process can't take over; without one it does
// nothing. The process must end.
func (b *Predecessor) Refuse(why error) {
	if b != nil {
		handover.Refuse(b.conn, Version(), why)
	}
}

// Examine is Examine for a process that is about to serve: after the predecessor, if
// there is one, which still has the ports.
func (b *Predecessor) Examine(ctx context.Context, f *config.File) Examined {
	if b == nil {
		return Examine(ctx, f, true, false)
	}
	return examine(ctx, f, inheritedPorts{}, true, false)
}

// inheritedPorts is a machine whose taken ports are this process's.
type inheritedPorts struct{ machine }

func (m inheritedPorts) Bind(address string) error {
	if err := m.machine.Bind(address); !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return nil // or it is not, and then it can't be opened
}

// takeOver returns a proxy that build has made: after it has taken over, if there is a
// predecessor.
func (b *Predecessor) takeOver(ctx context.Context, build func(*heir) (*proxy, error)) (*proxy, error) {
	if b == nil {
		return build(nil)
	}
	h := &heir{build: build, complete: b.complete}
	err := handover.Take(ctx, b.conn, Version(), h)
	if err != nil {
		return nil, err
	}
	h.inherited = true
	return h.proxy, nil
}

// heir takes a proxy over. A nil heir is a process that takes over from nobody.
type heir struct {
	build    func(*heir) (*proxy, error)
	complete func() error // of Predecessor
	*proxy                // what was built; nil before Prepare
	ahead    struct {
		ports      *netloop.Inheritance
		links      []byte
		web        net.Listener // nil: the predecessor has none
		webAddress string       // of the configuration
		history    []byte       // what the predecessor has not written; nil: nothing
		orders     []byte       // of operators; nil: the predecessor knows none
	}
	adminPath string // the path of the socket for commands; "": none
}

// ports returns those of the process before.
func (h *heir) ports() *netloop.Inheritance {
	if h == nil {
		return nil
	}
	return h.ahead.ports
}

// history returns what the process before has not written; nil: nothing.
func (h *heir) history() []byte {
	if h == nil {
		return nil
	}
	return h.ahead.history
}

// listenHTTP opens the port of the API, or takes that of the process before.
func (h *heir) listenHTTP(address string) (net.Listener, error) {
	if h == nil || h.ahead.web == nil {
		return listenHTTP(address)
	}
	if h.ahead.webAddress == address {
		return h.ahead.web, nil
	}
	h.ahead.web.Close()
	return listenHTTP(address)
}

// orders returns those of operators: of the file, or of the process before.
func (h *heir) orders(dir string, f farm, log *slog.Logger) *orders {
	o := newOrders(dir, f, f.leave, log)
	if h != nil && h.ahead.orders != nil {
		o.restore(h.ahead.orders)
	}
	return o
}

// recall has messages that wait read from their file, unless the process before hands them
// over.
func (h *heir) recall(n *notifying) {
	if h == nil {
		n.recall()
	}
}

// listenAdmin opens the socket for commands. An heir does so when it serves.
func (h *heir) listenAdmin(c *config.Config, log *slog.Logger) (net.Listener, error) {
	if h == nil {
		return listenAdmin(c, log)
	}
	h.adminPath = c.AdminSocket(systemd.RuntimeDirectory(), stateDir(c))
	return nil, nil
}

// Take implements handover.Taker.
func (h *heir) Take(r handover.Record) (err error) {
	switch {
	case r.Section == webSection && len(r.Files) == 1:
		f := os.NewFile(uintptr(r.Files[0]), "http")
		defer f.Close()
		h.ahead.web, err = net.FileListener(f)
		h.ahead.webAddress = string(r.Data)
	case r.Section == historySection:
		h.ahead.history = r.Data
	case r.Section == netloop.AheadSection:
		h.ahead.ports, err = netloop.Inherit(r.Data, r.Files)
	case r.Section == linksAheadSection:
		h.ahead.links = r.Data
	case r.Section == ordersSection && h.proxy == nil:
		h.ahead.orders = r.Data
	case r.Section == ordersSection:
		h.proxy.orders.restore(r.Data) // they may have changed meanwhile
		h.proxy.orders.tell()
	case r.Section == eventsSection && h.proxy != nil:
		h.remember.inheritEvents(r.Data)
	case r.Section == notifySection && h.proxy != nil:
		h.warn(h.notify.restore(r.Data))
	case r.Section == alertsSection && h.proxy != nil:
		h.alerts.restore(r.Data)
	case r.Section == splitsSection && h.proxy != nil:
		h.splits.restore(r.Data)
	case h.proxy == nil:
		r.Discard() // of a newer farmproxy, which can do without
	case r.Section == booksSection:
		err = h.book.Restore(r.Data)
	case r.Section == linksSection:
		err = h.restoreLinks(r)
	case strings.HasPrefix(r.Section, netloop.SectionPrefix):
		err = h.server.Restore(r.Section, r.Data, r.Files)
	default:
		r.Discard()
	}
	return err
}

func (h *heir) restoreLinks(r handover.Record) error {
	sockets := make([]net.Conn, len(r.Files))
	for i, fd := range r.Files {
		f := os.NewFile(uintptr(fd), "link")
		conn, err := net.FileConn(f)
		f.Close()
		if err != nil {
			for _, fd := range r.Files[i+1:] {
				_ = unix.Close(fd)
			}
			return fmt.Errorf("the socket of a link: %w", err)
		}
		sockets[i] = conn
	}
	return h.directory.Restore(r.Data, sockets, h.server.Cookie)
}

// Prepare implements handover.Taker: everything is made and checked, and the loops run,
// but no miner is read or accepted.
func (h *heir) Prepare(ctx context.Context) (err error) {
	if h.ahead.ports == nil {
		return errors.New("the running farmproxy did not send its ports")
	}
	if h.proxy, err = h.build(h); err != nil {
		return err
	}
	if h.users != nil {
		h.users.follow()
	}
	h.runServer()
	select {
	case <-h.server.Running():
	case err := <-h.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := h.directory.Expect(context.Background(), h.ahead.links); err != nil {
		return err
	}
	within(dialTime, h.directory.Dialled)
	return nil
}

// Complete implements handover.Taker.
func (h *heir) Complete(context.Context) error {
	err := h.server.Restored()
	if err == nil && h.complete != nil {
		err = h.complete()
	}
	return err
}

// Serve implements handover.Taker.
func (h *heir) Serve() error {
	h.directory.Start(context.Background())
	h.server.Serve()
	h.warn(h.viewLinks.Reopen()) // the process before may have changed them meanwhile
	if h.adminPath != "" {       // now, since the predecessor removes its own at its end
		var err error
		if h.adminOn, err = admin.Replace(h.adminPath); err != nil {
			h.log.Error("there is no socket for commands: restart farmproxy at the next occasion", "error", err)
		}
	}
	return nil
}
