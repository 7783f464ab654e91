package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/transport"
)

// writeTimeout is how long a pool may not read during the handshake.
const writeTimeout = 10 * time.Second

var (
	errHungUp     = errors.New("the pool closed the connection")
	errClosed     = errors.New("closed by farmproxy")
	errSilent     = errors.New("no job for too long (failover.silence)")
	errUnanswered = fmt.Errorf("shares got no answer within %v", answerTimeout)
	errMoved      = errors.New("the pool asked to reconnect (client.reconnect)")
	errOrdered    = errors.New("drained or disabled by the operator")
	errSurplus    = errors.New("another pool was faster")
	errMalformed  = fmt.Errorf("more than %d malformed lines or frames in a row: does the url match the pool's port?", maxMalformed)
)

// link is one connection to one pool, from dial to close. Each of its parts has one
// owner:
//
//	assignment  what it is for    nobody changes it once the link runs
//	protocol    what is said      its driver: the goroutine of run, then the loop that
//	                              carries the link; after its end, who was told of that
//	health      how the pool does anybody: atomics, and a lock of its own
//	tenure      how it serves     its lane's supervisor
//	post        what it offers    Lane.mu
//
// The goroutine drives it until there is a job, by reads that wait; then a loop does,
// among its miners (carried). Both call the same three methods of protocol.
//
// A link never decides about itself: it tells its lane that it is up (it has a
// job) and that it is dead, once each, and is told to activate or to drop.
// Anybody may drop it, at any time, more than once.
//
// Why the driver publishes jobs itself, past the supervisor: a job must not
// wait for a supervisor that dials. That the lane does not switch links
// meanwhile is what Lane.mu is for.
type link struct {
	*assignment
	protocol *protocol
	health   health
	tenure   tenure
	post     Post

	ctx    context.Context
	cancel context.CancelCauseFunc
	files  linkFiles
	tapped *Tapped  // nil: its messages are not kept
	conn   net.Conn // run's: what was dialled

	// Between the driver and the lane:
	epoch  atomic.Pointer[epoch] // changed under Lane.mu, once the link is up
	active atomic.Bool           // shares may be taken
	wire   atomic.Pointer[Wire]  // of the loop that carries the link; nil: none yet

	// stack stands on the link's socket, TLS or a tunnel's rest, and can't be handed over;
	// nil: the bytes are the protocol's own.
	stack atomic.Pointer[transport.Stack]

	// relayed: the process before this one has the stack, and is about to end. Set before
	// the link serves.
	relayed bool
}

// assignment is what a link was made for.
type assignment struct {
	goal    *Goal
	lane    *Lane // nil: a probe, or quiet
	proof   bool  // it ends when the pool has let it in
	trial   bool  // it is to see what the pool bears, and makes all optional requests
	quiet   bool  // it only hears the pool's jobs, for no lane
	pool    *pool
	to      Pool   // the pool, or where client.reconnect led
	resume  *epoch // to be taken over when the pool gives the session back; may be nil
	book    *stats.Link
	log     *slog.Logger
	started time.Time
}

// tenure is what a lane's supervisor knows of its link.
type tenure struct {
	upAt       time.Time
	drainAt    time.Time // when draining ends
	complained bool      // of the rejects
	harvest    harvest
	barrenSaid bool
	unwanted   time.Time // since when the operator wants nobody there; zero: does not
}

// event is what a link tells its lane.
type event struct {
	link *link
	err  error // nil: it is up
}

func (g *Goal) newLink(ctx context.Context, p *pool, lane *Lane, files linkFiles) *link {
	a := &assignment{
		goal: g, lane: lane, pool: p, to: p.Pool,
		book: new(stats.Link), log: g.log.With("pool", p.Name),
		started: time.Now(),
	}
	k := &link{assignment: a, files: files, tapped: g.directory.taps.open(&p.Pool, lane)}
	k.ctx, k.cancel = context.WithCancelCause(ctx)
	if lane != nil {
		k.book = g.directory.book.OpenLink(p.Name, lane.number)
		user := g.account // a copy: the books outlive the goal
		k.book.User.Store(&user)
		k.log = k.log.With("lane", lane.number)
	}
	k.protocol = newProtocol(k)
	return k
}

// run lives as long as the link does, and returns why it ended.
func (k *link) run() (err error) {
	defer k.end()
	defer func() {
		k.rate(err)
		err = k.protocol.blame(err, time.Now())
	}()
	k.state(stats.LinkConnecting)
	if k.conn, err = k.dial(); err != nil {
		return k.because(fmt.Errorf("connect to %s: %w", k.to.Address, err))
	}
	defer k.conn.Close()
	k.pool.shown(k.conn, k.to.Target, time.Now())
	hangUp := context.AfterFunc(k.ctx, func() { k.conn.Close() })
	defer hangUp()

	k.state(stats.LinkHandshaking)
	if err := k.converse(); err != nil {
		return k.because(err)
	}
	if k.proof {
		return k.because(errProbed)
	}
	k.book.Connects.Add(1)
	dial.Rate(k.conn, true)
	switch {
	case k.quiet:
		k.pool.book.Quiet.Store(true)
	case k.lane == nil:
		return k.because(errProbed)
	default:
		k.lane.tell(event{link: k})
	}
	if !hangUp() {
		return k.because(nil)
	}
	return k.because(k.carry())
}

func (k *link) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(k.ctx, dial.Timeout)
	defer cancel()
	return k.goal.directory.settings.Load().Dial(ctx, k.to.Target)
}

// converse drives the protocol until it pauses, by a connection that it waits on.
func (k *link) converse() error {
	p := k.protocol
	out, in := make([]byte, 0, firstBuffer), make([]byte, firstBuffer)
	err := p.Begin(time.Now())
	for err == nil {
		for out = p.Pending(time.Now(), out[:0]); len(out) > 0; out = p.Pending(time.Now(), out[:0]) {
			k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := k.conn.Write(out); err != nil {
				return dial.Bare(err)
			}
		}
		if p.paused {
			return nil
		}
		k.conn.SetReadDeadline(p.due())
		n, e := k.conn.Read(in)
		switch {
		case n > 0:
			err = p.Step(time.Now(), in[:n])
		case timeout(e):
			err = p.Tick(time.Now())
		case errors.Is(e, io.EOF):
			err = p.dialect.ended(errHungUp)
		default:
			err = p.dialect.ended(dial.Bare(e))
		}
	}
	return err
}

// level is how loud the log is about what the pool says of itself.
func (a *assignment) level(level slog.Level) slog.Level {
	if a.lane == nil {
		return level
	}
	return a.lane.level(level)
}

// drop ends the link; the first reason counts.
func (k *link) drop(err error) { k.cancel(err) }

// because returns why the link ended: the reason it was dropped for, else err.
func (k *link) because(err error) error {
	if k.ctx.Err() != nil {
		if cause := context.Cause(k.ctx); !errors.Is(cause, context.Canceled) {
			return cause
		}
		return errClosed
	}
	return err
}

// rate notes what the link's end means for the address that it led to: where it
// had no time to work, the next attempt begins with another one.
func (k *link) rate(err error) {
	for _, ours := range []error{errClosed, errOrdered, errSurplus, errProbed, errMoved, errMisfit, errUnwanted} {
		if errors.Is(err, ours) {
			return
		}
	}
	if k.quiet && k.protocol.up() {
		return // it had no shares, which pools do not like
	}
	if time.Since(k.started) < steady {
		dial.Rate(k.conn, false)
	}
}

func (k *link) end() {
	k.cancel(errClosed)
	k.files.keep(0)
	k.pool.ended()
	k.goal.directory.taps.close(k.tapped)
	if k.lane != nil {
		k.goal.directory.book.CloseLink(k.book)
	}
}

// tried notes the end of a link that was never up, after its failure was noted:
// so that nobody takes the pool for well in between. It comes after run.
func (k *link) tried() {
	if !k.protocol.up() {
		k.pool.tried()
	}
}

func (k *link) state(s stats.LinkState) { k.book.State.Store(uint32(s)) }

// activate lets the driver take shares.
func (k *link) activate() {
	k.state(stats.LinkUp)
	k.protocol.dialect.activate()
	k.active.Store(true)
	k.epoch.Load().link.Store(k)
	k.rouse()
}

// rouse has the loop ask for what is to be written. Any goroutine. Before a loop
// carries the link there is nobody to be roused: Opened looks for itself.
func (k *link) rouse() {
	if w := k.wire.Load(); w != nil {
		(*w).Wake()
	}
}

// leave returns the shares that a link leaves behind, those that were sent first and
// marked so. It comes after run.
func (k *link) leave() []Share {
	k.book.InFlight.Store(0)
	return k.protocol.leave()
}

func timeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) // not net.Error: ETIMEDOUT says Timeout too
}
