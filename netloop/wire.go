package netloop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/upstream"
)

const (
	// maxWireKept is how many bytes may wait for a pool that does not read, beyond
	// what the kernel takes: three batches of shares.
	maxWireKept = 128 << 10

	// longReads is how many reads of a pool's answers there are at most in a long turn:
	// 1,600 answers, for longTurn shares of each loop.
	longReads = 8

	// maxWireStuck is how long a pool may leave kept bytes unread.
	maxWireStuck = 10 * time.Second
)

var (
	errStuck    = fmt.Errorf("the pool has read nothing for %v", maxWireStuck)
	errNoLoop   = errors.New("no event loop takes the connection")
	errStopping = errors.New("farmproxy is stopping")
)

// wire is a link's connection, carried by an event loop. Only the loop touches it,
// except for fields marked as anybody's.
type wire struct {
	link  upstream.Carried
	state atomic.Int32  // anybody's
	done  chan struct{} // anybody's: closed when the connection is

	loop  *loop     // set once, before the link learns of the wire
	conn  gnet.Conn // nil once closed
	place int       // in loop.wires
	err   error     // why it was closed
	stuck time.Time // since when some bytes have always been kept; zero: there are none

	// unsent ends with the bytes that are kept. gnet has them, and shows them to nobody:
	// another process that takes the socket over needs them.
	unsent []byte

	woken   bool // guarded by the mailbox
	flying  int  // its part of loop.flying
	verdict int  // bytes of the pool's verdicts, as far as known: see learn
}

// Values of state.
const (
	wirePending = iota
	wireOpen
	wireAbandoned // Carry no longer waits for it
)

// Carry implements upstream.Carrier.
func (s *Server) Carry(ctx context.Context, conn net.Conn, link upstream.Carried) error {
	defer conn.Close()
	select {
	case <-s.running:
	case <-ctx.Done():
		return ctx.Err()
	}
	w := &wire{link: link, done: make(chan struct{})}
	registered := make(chan error, 1)
	go func() { registered <- s.register(conn, w) }()
	select {
	case err := <-registered:
		if err != nil {
			return err
		}
	case <-ctx.Done():
	}
	if w.state.CompareAndSwap(wirePending, wireAbandoned) {
		return errNoLoop
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		w.loop.mailbox.call(w.close)
		<-w.done
	}
	return w.err
}

func (w *wire) open(l *loop, c gnet.Conn) gnet.Action {
	w.loop, w.conn = l, c
	if !w.state.CompareAndSwap(wirePending, wireOpen) {
		return gnet.Close
	}
	w.place = len(l.wires)
	l.wires = append(l.wires, w)
	return w.may(w.link.Opened(w))
}

// may continues, unless there is an error.
func (w *wire) may(err error) gnet.Action {
	if err == nil {
		return gnet.None
	}
	w.err = err
	return gnet.Close
}

func (w *wire) received(data []byte) gnet.Action {
	owed := w.flying
	err := w.link.Received(w.loop.wall, data)
	w.count()
	w.learn(len(data), owed-w.flying)
	return w.may(err)
}

// learn notes how long verdicts are, from bytes with so many of them. There may be other
// messages among them, so the estimate rises slowly, and falls at once.
func (w *wire) learn(bytes, verdicts int) {
	if verdicts > 0 {
		w.verdict = min(w.verdict+1, bytes/verdicts)
	}
}

// hear reads what the pools of the loop's links have sent, before gnet does. After a wait
// for verdicts that saves an event, and a bell for them. In a long turn gnet reads thousands
// of miners before it reads the same pool again, each one buffer; the shares of all of these
// would wait for room that the pool's answers make.
func (l *loop) hear() {
	if l.heard == nil {
		l.heard = make([]byte, readBuffer)
	}
	for i := len(l.wires) - 1; i >= 0; i-- { // backwards, see tick
		w := l.wires[i]
		for range longReads {
			n := receive(int32(w.conn.Fd()), l.heard)
			if n == 0 {
				break
			}
			if w.received(l.heard[:n]) == gnet.Close {
				w.close()
				break
			}
			if n < len(l.heard) {
				break
			}
		}
	}
}

// count keeps the loop's count of shares without a verdict.
func (w *wire) count() {
	n := w.link.InFlight()
	w.loop.flying += n - w.flying
	w.flying = n
}

// flush writes the link's pending bytes. If too much is unread, it continues once the
// pool has read some.
func (w *wire) flush() {
	for w.conn != nil {
		if w.full() {
			w.loop.stalled = true
			w.Wake()
			return
		}
		b := w.link.Pending(time.Now(), w.loop.toPool[:0])
		w.count()
		if len(b) == 0 {
			return
		}
		if cap(b) <= maxWireKept {
			w.loop.toPool = b
		}
		if !w.write(b) {
			return
		}
	}
}

func (w *wire) tick() {
	if w.conn == nil {
		return
	}
	err := w.link.Tick(w.loop.wall)
	w.count()
	if w.conn.OutboundBuffered() == 0 {
		w.stuck, w.unsent = time.Time{}, nil
	} else if w.loop.wall.Sub(w.stuck) > maxWireStuck {
		err = errStuck
	}
	if w.may(err) == gnet.Close {
		w.close()
	}
}

func (w *wire) close() {
	if w.conn != nil {
		_ = w.loop.gnet.Close(w.conn) // an error means that the descriptor is gone anyway
	}
}

func (w *wire) closed(err error) {
	w.conn = nil
	if w.state.Load() != wireOpen {
		return
	}
	if w.err == nil {
		w.err = err
	}
	if w.err == nil {
		w.err = errStopping
	}
	l := w.loop
	l.flying -= w.flying
	last := l.wires[len(l.wires)-1]
	l.wires[w.place], last.place = last, w.place
	l.wires[len(l.wires)-1] = nil
	l.wires = l.wires[:len(l.wires)-1]
	close(w.done)
}

// write sends b and keeps what the kernel does not take; false: the connection is
// gone.
func (w *wire) write(b []byte) bool {
	if w.conn.OutboundBuffered() == 0 {
		w.stuck, w.unsent = time.Time{}, nil
	}
	if _, err := w.conn.Write(b); err != nil {
		return false // gnet has closed it and called OnClose
	}
	if left := w.conn.OutboundBuffered(); left > 0 {
		if w.stuck.IsZero() {
			w.stuck = w.loop.wall
		}
		w.unsent = append(w.unsent, b...)
		w.unsent = w.unsent[:copy(w.unsent, w.unsent[len(w.unsent)-left:])]
	}
	return true
}

// full reports whether so much is kept that no more should be added.
func (w *wire) full() bool { return w.conn.OutboundBuffered() > maxWireKept }

// Wake implements upstream.Wire.
func (w *wire) Wake() { w.loop.mailbox.flush(w) }

// Unsent implements upstream.Wire.
func (w *wire) Unsent() (unsent []byte, open bool) {
	if w.conn == nil {
		return nil, false
	}
	return w.unsent[len(w.unsent)-w.conn.OutboundBuffered():], true
}

// SocketOf returns the descriptor of a link's connection, to be handed to another process.
// It stays this process's. The loops must be frozen.
func SocketOf(w upstream.Wire) int { return w.(*wire).conn.Fd() }
