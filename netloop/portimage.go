package netloop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// aheadImage is what the next process needs before it has the state.
type aheadImage struct {
	Loops int         `json:"loops"`
	Ports []portImage `json:"ports"`
}

// portImage is a port without its socket. Ports go from process to process as they are:
// who connects waits in the kernel until one of them accepts.
type portImage struct {
	Address string `json:"address"` // of the configuration
}

// Inheritance is what a server needs from the start to take over from another's.
type Inheritance struct {
	loops int
	ports map[string]*net.TCPListener // by address of the configuration
}

// Ahead sends what the next process needs before it has the state.
func (s *Server) Ahead(send func(section string, data []byte, files ...int) error) error {
	ports, sockets, err := s.ports.images()
	defer closeFiles(sockets)
	if err != nil {
		return err
	}
	data, err := json.Marshal(aheadImage{s.loopCount, ports})
	if err != nil {
		return err
	}
	return send(AheadSection, data, sockets...)
}

// images returns those of all ports, with duplicates of their sockets.
func (ps *ports) images() (list []portImage, sockets []int, err error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.open {
		address := p.listener.Load().Address
		raw, err := p.socket.SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) {
				if fd, failed := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); failed != nil {
					err = failed
				} else {
					list, sockets = append(list, portImage{address}), append(sockets, fd)
				}
			})
		}
		if err != nil {
			return nil, sockets, fmt.Errorf("listener %q: %w", address, err)
		}
	}
	return list, sockets, nil
}

// Inherit reads what Ahead has sent, for Options.Inherit. It owns the descriptors.
func Inherit(data []byte, files []int) (*Inheritance, error) {
	defer func() { closeFiles(files) }()
	var i aheadImage
	if err := json.Unmarshal(data, &i); err != nil || i.Loops < 1 || len(i.Ports) != len(files) {
		return nil, fmt.Errorf("what the running farmproxy says of its ports: %w", errors.Join(err, errDamaged))
	}
	h := &Inheritance{i.Loops, make(map[string]*net.TCPListener, len(files))}
	for _, p := range i.Ports {
		f := os.NewFile(uintptr(files[0]), "port")
		files = files[1:]
		l, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("listener %q: %w", p.Address, err)
		}
		tcp, is := l.(*net.TCPListener)
		if !is {
			return nil, fmt.Errorf("listener %q: %w", p.Address, errDamaged)
		}
		h.ports[p.Address] = tcp
	}
	return h, nil
}

// port returns the port of the process before, or opens one.
func (ps *ports) port(o Listener) (*port, error) {
	if socket, ok := ps.inherited[o.Address]; ok {
		delete(ps.inherited, o.Address)
		return newPort(o, socket), nil
	}
	return openPort(o)
}

// dropInherited closes the ports of the process before that nobody wants any more.
func (ps *ports) dropInherited() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, socket := range ps.inherited {
		_ = socket.Close()
	}
	ps.inherited = nil
}

// pause has nobody accepted, and returns when the loops have all who were, or when ctx
// ends: a loop that hangs takes nobody. The kernel keeps those that connect meanwhile.
// resume must follow.
func (ps *ports) pause(ctx context.Context) error {
	ps.paused.Store(true)
	ps.setDeadlines(time.Now())
	shut := make(chan struct{})
	ps.shut = shut
	go func() {
		ps.gate.Lock()
		close(shut)
	}()
	select {
	case <-shut:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// resume ends pause.
func (ps *ports) resume() {
	ps.paused.Store(false)
	ps.setDeadlines(time.Time{})
	shut := ps.shut
	go func() {
		<-shut
		ps.gate.Unlock()
	}()
}

func (ps *ports) setDeadlines(at time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.open {
		_ = p.socket.SetDeadline(at) // fails on a closed port, which nobody waits at
	}
}

// heirListener returns the listener by which an inherited connection came.
func (s *Server) heirListener(address string) *listener {
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	for _, p := range s.ports.open {
		if l := p.listener.Load(); l.Address == address {
			return l
		}
	}
	return &listener{Listener{Address: address}, address} // it is not configured any more
}
