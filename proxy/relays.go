package proxy

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/netloop"
	"farmproxy/upstream"
)

const (
	// relayTime bounds how long a process that has been handed over is there for its links
	// over TLS. The next process ends them after the time of a draining link, 10 s. It takes
	// longer only if it could not dial others.
	relayTime = time.Minute

	// maxRelays bounds the links that it is there for: each takes two goroutines and three
	// descriptors. Beyond it are links of single miners or users, whose shares in flight are
	// lost.
	maxRelays = 1024
)

// relays are the links that a process stays for when it has been handed over.
type relays struct {
	list []relaying
	left int // links beyond what is possible
}

// relaying is a relay with its connections.
type relaying struct {
	*upstream.Relay
	pool, next net.Conn
	theirs     int // the end of next that the other process gets; -1: it has it
}

// open makes the connections of a relay; false: it is not possible.
func (r *relays) open(link *upstream.Relay) bool {
	if len(r.list) == maxRelays {
		r.left++
		return false
	}
	x, err := newRelaying(link)
	if err != nil {
		r.left++
		return false
	}
	r.list = append(r.list, x)
	return true
}

func newRelaying(link *upstream.Relay) (x relaying, err error) {
	own, err := unix.FcntlInt(uintptr(netloop.SocketOf(link.Wire)), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return x, err
	}
	pool, err := connOf(own)
	if err != nil {
		return x, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		pool.Close()
		return x, err
	}
	next, err := connOf(pair[0])
	if err != nil {
		pool.Close()
		_ = unix.Close(pair[1])
		return x, err
	}
	return relaying{link, pool, next, pair[1]}, nil
}

// connOf returns a connection for a descriptor, which it takes.
func connOf(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "relay")
	defer f.Close()
	return net.FileConn(f)
}

// end returns the descriptor of the other process's end of a relay.
func (r *relays) end(link *upstream.Relay) int {
	for i := range r.list {
		if r.list[i].Relay == link {
			return r.list[i].theirs
		}
	}
	return -1
}

// sent closes what the other process has by now.
func (r *relays) sent() {
	for i := range r.list {
		_ = unix.Close(r.list[i].theirs)
		r.list[i].theirs = -1
	}
}

// close gives the links back to their loops: nothing was carried.
func (r *relays) close() {
	for _, x := range r.list {
		x.pool.Close()
		x.next.Close()
		if x.theirs >= 0 {
			_ = unix.Close(x.theirs)
		}
	}
	*r = relays{}
}

// run carries bytes until the other process has ended all links, or ctx ends.
func (r *relays) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, x := range r.list {
		all.Go(func() { x.Run(ctx, x.pool, x.next) })
	}
	all.Wait()
}
