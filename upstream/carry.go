package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"farmproxy/dial"
)

// Carrier is where event loops take links over. A link that is up has no
// goroutine that reads or writes: the loop that carries it reads what the pool
// sends among what miners send, and writes the shares of a turn together.
//
//	       goroutine (run)                  event loop
//	dial ─> handshake ─> first job ─> Opened ─> Received ... ─> end
//	                                            Flush ...
//
// Goroutines would be woken for each read and each write, by a scheduler that
// does not know of the loops, which hold its processors: they were a third of a
// share's costs, and most of the wait for its verdict (docs/performance.md).
type Carrier interface {
	// Carry has an event loop carry conn until it ends, or ctx does. It returns
	// why it ended, and has closed conn. It blocks, so it is not for event loops.
	Carry(ctx context.Context, conn net.Conn, c Carried) error
}

// Carried is a link as the loop that carries it sees it. Only that loop calls it.
// An error ends the connection.
type Carried interface {
	// Opened comes first, and once.
	Opened(Wire) error
	// Received takes what the pool sent; data is the loop's again afterwards.
	Received(data []byte) error
	// Flush writes what is to be written.
	Flush()
	// Overdue looks whether the pool has ended in time what it began to send. It
	// is called every second or so.
	Overdue(now time.Time) error
}

// Wire is what a loop carries a link on.
type Wire interface {
	// Write sends b; what the kernel does not take is kept and sent later. Only
	// the loop calls it.
	Write(b []byte) (int, error)
	// Full reports that so much is kept that no more should be added. Flush is
	// called again when there is room. Only the loop calls it.
	Full() bool
	// Wake makes the loop call Flush at the end of its turn. Any goroutine; it
	// does not block.
	Wake()
}

// carried is the link to the loop that carries it, which is both its reader and
// its writer.
type carried struct {
	*link
	socket *socket
}

// Opened implements Carried. What the handshake had read already is taken first.
func (c *carried) Opened(w Wire) error {
	c.socket.wire = w
	c.wire.Store(&w)
	if err := c.resume(); err != nil {
		return err
	}
	c.Flush()
	return nil
}

// Received implements Carried.
func (c *carried) Received(data []byte) error {
	c.socket.inbox = data
	return c.resume()
}

// Flush implements Carried.
func (c *carried) Flush() {
	if !c.active.Load() {
		return // activate rouses
	}
	for c.ctx.Err() == nil && !c.socket.wire.Full() && c.flush() {
	}
}

// Overdue implements Carried.
func (c *carried) Overdue(now time.Time) error {
	if c.deadline.IsZero() || now.Before(c.deadline) {
		return nil
	}
	c.socket.late = true
	return c.resume()
}

// resume reads on where there was no more.
func (c *carried) resume() error {
	if err := c.read(); !errors.Is(err, errMore) {
		return err
	}
	return nil
}

// carry has an event loop carry the link until it ends: a socket takes the place of
// what is at the bottom of its connection.
func (k *link) carry() error {
	bottom := dial.Bottom(k.conn)
	if bottom == nil { // somebody else's DirectoryOptions.Dial has made it
		bottom = &dial.Conn{Conn: k.conn}
		k.conn = bottom
	}
	conn := bottom.Conn
	conn.SetDeadline(time.Time{}) // those of the handshake
	s := &socket{Conn: conn}
	bottom.Conn = s
	err := k.route.directory.down.Carry(k.ctx, conn, &carried{k, s})
	if errors.Is(err, io.EOF) {
		return errHungUp
	}
	return err
}
