package netloop

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
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

// hang gives a bell to the next loop in gnet's order.
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
		_, err = s.register(context.Background(), conn, b)
	}
	if err != nil {
		b.rope.Close()
	}
	return err
}

// register has gnet put a connection on the next loop in its order. OnOpen finds
// context in the connection.
func (s *Server) register(ctx context.Context, conn net.Conn, context any) (<-chan gnet.RegisteredResult, error) {
	s.registering.Lock()
	defer s.registering.Unlock()
	return s.engine.Register(gnet.NewNetConnContext(gnet.NewContext(ctx, context), conn))
}

// ring wakes the loop; false if it is gone.
func (b *bell) ring() bool {
	_, err := b.rope.Write([]byte{0})
	return err == nil
}
