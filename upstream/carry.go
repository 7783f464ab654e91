package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"farmproxy/dial"
	"farmproxy/transport"
)

// Carrier is where event loops take links over. A link that is up has no
// goroutine that reads or writes: the loop that carries it reads what the pool
// sends among what miners send, and writes the shares of a turn together.
//
//	       goroutine (run)                  event loop
//	dial ─> handshake ─> first job ─> Opened ─> Received ... ─> end
//	                                            Pending ...
//
// Goroutines would be woken for each read and each write, by a scheduler that
// does not know of the loops, which hold its processors: they were a third of a
// share's costs, and most of the wait for its verdict (docs/performance.md).
type Carrier interface {
	// Carry has an event loop carry conn until it ends, or ctx does. It returns
	// why it ended, and has closed conn. It blocks, so it is not for event loops.
	Carry(ctx context.Context, conn net.Conn, c Carried) error
}

// Carried is a link as the loop that carries it sees it: bytes in, bytes out. Only
// that loop calls it. An error ends the connection.
type Carried interface {
	// Opened comes first, and once.
	Opened(Wire) error
	// Received takes what the pool sent; data is the loop's again afterwards.
	Received(now time.Time, data []byte) error
	// Pending appends to dst what is to be written next; nothing: there is no more
	// for now. The loop calls it when it was woken, until there is no more, or as
	// much is unread as may be. That it is called again says that what it appended
	// before was written.
	Pending(now time.Time, dst []byte) []byte
	// Tick does what is due by time. It is called every second or so.
	Tick(now time.Time) error
	// InFlight returns how many shares were written and have no verdict yet.
	InFlight() int
}

// Wire is what a link has of the loop that carries it.
type Wire interface {
	// Wake makes the loop call Pending at the end of its turn. Any goroutine; it
	// does not block.
	Wake()
	// Unsent returns those of the bytes that Pending has appended that the kernel has not
	// taken yet; false: the connection is closed. The loop must be frozen.
	Unsent() (unsent []byte, open bool)
}

// carried is the link to the loop that carries it, which drives it from now on.
type carried struct {
	*link
	stack *transport.Stack // TLS, or a tunnel's rest; nil: the bytes are the protocol's own

	// With a stack:
	now   time.Time
	take  func(plain []byte) error
	plain []byte
}

// carry has an event loop carry the link until it ends.
func (k *link) carry() error {
	c := &carried{link: k}
	bottom := dial.Bottom(k.conn)
	socket := k.conn
	if bottom != nil {
		socket = bottom.Conn
	}
	if bottom != nil && k.conn != net.Conn(bottom) {
		c.stack = transport.Adopt(k.conn, func(conn net.Conn) { bottom.Conn = conn })
		c.take = func(plain []byte) error { return k.protocol.Step(c.now, plain) }
	}
	k.stack.Store(c.stack)
	book := k.goal.directory.book
	book.Listen(k.pool.book, time.Now())
	defer book.Unlisten(k.pool.book)
	socket.SetDeadline(time.Time{}) // those of the handshake
	err := k.goal.directory.down.Carry(k.ctx, socket, c)
	if errors.Is(err, io.EOF) {
		return errHungUp
	}
	return err
}

// Opened implements Carried. What the handshake had read already is taken first.
func (c *carried) Opened(w Wire) error {
	c.wire.Store(&w)
	now := time.Now()
	c.protocol.goOn()
	if err := c.protocol.Step(now, nil); err != nil {
		return err
	}
	if c.stack != nil {
		if err := c.Received(now, nil); err != nil {
			return err
		}
	}
	w.Wake()
	return nil
}

// Received implements Carried.
func (c *carried) Received(now time.Time, data []byte) error {
	if c.stack == nil {
		return c.stir(c.protocol.Step(now, data))
	}
	c.now = now
	return c.stir(c.stack.Received(data, c.take))
}

// Tick implements Carried.
func (c *carried) Tick(now time.Time) error {
	if c.quiet {
		if err := c.tire(now); err != nil {
			return err
		}
	}
	return c.stir(c.protocol.Tick(now))
}

// InFlight implements Carried.
func (c *carried) InFlight() int { return c.protocol.flight.n }

// stir asks the loop for a look at Pending where there is reason for one.
func (c *carried) stir(err error) error {
	if c.protocol.stirred || c.stack != nil && c.stack.Waiting() > 0 {
		c.protocol.stirred = false
		c.rouse()
	}
	return err
}

// Pending implements Carried.
func (c *carried) Pending(now time.Time, dst []byte) []byte {
	if c.ctx.Err() != nil {
		return dst
	}
	if c.stack == nil {
		return c.protocol.Pending(now, dst)
	}
	c.plain = c.protocol.Pending(now, c.plain[:0])
	dst, err := c.stack.Append(dst, c.plain)
	if err != nil {
		c.drop(err)
	}
	return dst
}
