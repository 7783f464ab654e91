package netloop

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// bell wakes a loop: a pair of sockets, one of which the loop reads like a miner's.
// gnet's own way (EventLoop.Execute) allocates three times per wake-up.
//
// A loop has two, rung alternately. A wake-up must come after every event that is
// already there, but epoll keeps a socket that it has just reported at the head of its
// list: a single bell rung again would be heard first, and whatever arrived during the
// loop's rest would wait for another rest.
type bell struct {
	rope *os.File
}

// hangBells gives each loop its bells. Without them gnet wakes the loops.
func (s *Server) hangBells() {
	for range 2 * s.loopCount {
		if err := s.hang(); err != nil {
			s.log.Debug("an event loop has no bells, so gnet wakes it", "reason", err)
			return
		}
	}
}

// hang gives a bell to the loop with the fewest.
func (s *Server) hang() error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socketpair: %w", err)
	}
	b := &bell{rope: os.NewFile(uintptr(fds[1]), "bell")}
	end := os.NewFile(uintptr(fds[0]), "bell")
	conn, err := net.FileConn(end)
	end.Close()
	if err == nil {
		err = s.register(conn, b)
	}
	if err != nil {
		b.rope.Close()
	}
	return err
}

// register has gnet put a connection on the loop with the fewest, and returns when that
// has it. OnOpen finds context in the connection. conn is closed: the loop has a
// duplicate of its descriptor.
func (s *Server) register(conn net.Conn, context any) error {
	if conn.RemoteAddr() == nil { // one that was handed over, and was reset meanwhile; gnet would panic
		return errors.Join(unix.ECONNRESET, conn.Close())
	}
	_, err := s.engine.EnrollContext(conn, context)
	return err
}

// ring wakes the loop; false if it is gone.
func (b *bell) ring() bool {
	_, err := b.rope.Write([]byte{0})
	return err == nil
}
