package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/codec"
	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

const (
	// stepTimeout bounds each step of the handshake, and the wait for the first
	// job. Pools that look an account up in a database take seconds.
	stepTimeout = 15 * time.Second

	// configureTimeout bounds the wait for version rolling: old pools do not
	// answer mining.configure at all.
	configureTimeout = 5 * time.Second

	// writeTimeout is how long a pool may not read.
	writeTimeout = 10 * time.Second

	// answerTimeout is how long a share may be unanswered before it is given up,
	// or, where later ones are not answered either, the link is taken for dead: the
	// longest verdict seen from a live pool took 10 s.
	answerTimeout = 30 * time.Second

	// maxMalformed is how many lines, or frames, in a row may be malformed.
	maxMalformed = 10
)

var (
	errHungUp     = errors.New("the pool closed the connection")
	errClosed     = errors.New("closed by farmproxy")
	errSilent     = errors.New("no job for too long (failover.silence)")
	errUnanswered = fmt.Errorf("shares got no answer within %v", answerTimeout)
	errMoved      = errors.New("the pool asked to reconnect (client.reconnect)")
	errSurplus    = errors.New("another pool was faster")
	errMalformed  = fmt.Errorf("more than %d malformed lines or frames in a row: is this the kind of port that the url says?", maxMalformed)
)

// link is one connection to one pool, from dial to close.
//
// A goroutine of its own (run) dials, shakes hands and waits for the first job;
// then an event loop carries it (Carrier). Whoever reads is the reader: it alone
// has the protocol's state, what the next job will be built from. On the loop it is
// also the writer, which takes shares when the lane has activated the link.
//
// What the two say to the pool, and how they understand it, is the dialect's.
//
// A link never decides about itself: it tells its lane that it is up (it has a
// job) and that it is dead, once each, and is told to activate or to drop.
// Anybody may drop it, at any time, more than once.
//
// Why the reader publishes jobs itself, past the supervisor: a job must not
// wait for a supervisor that dials. That the lane does not switch links
// meanwhile is what Lane.mu is for.
type link struct {
	route  *Route
	lane   *Lane // nil: a probe
	proof  bool  // it ends when the pool has let it in
	pool   *pool
	to     Pool   // the pool, or where client.reconnect led
	resume *epoch // to be taken over when the pool gives the session back; may be nil
	book   *stats.Link
	log    *slog.Logger

	ctx    context.Context
	cancel context.CancelCauseFunc
	conn   net.Conn
	wire   atomic.Pointer[Wire] // of the loop that carries the link; nil: none yet
	buf    []byte               // for what is written: the reader's until there is a writer
	batch  []Share              // the writer's

	epoch   atomic.Pointer[epoch]
	mask    atomic.Uint32
	rolling atomic.Bool  // version rolling was granted: shares carry version bits
	active  atomic.Bool  // shares may be taken
	up      atomic.Bool  // it has told the lane that it is up
	notify  atomic.Int64 // when the last job came, since started

	protocol // the reader's
	dialect  dialect

	mu      sync.Mutex
	flight  inflight
	again   []Share // to be sent before what the epoch has: they were held
	rejects rejects
	moveAt  time.Time // client.reconnect; zero: none
	moveTo  string

	files      linkFiles
	started    time.Time
	upAt       time.Time // lane's supervisor only
	drainAt    time.Time // lane's supervisor only: when draining ends
	complained bool      // lane's supervisor only: of the rejects
	harvest    harvest   // lane's supervisor only
	barrenSaid bool      // lane's supervisor only
	post       Post      // Lane.mu: what the link offers
}

// event is what a link tells its lane.
type event struct {
	link *link
	err  error // nil: it is up
}

func (r *Route) newLink(ctx context.Context, p *pool, lane *Lane, files linkFiles) *link {
	k := &link{
		route: r, lane: lane, pool: p, to: p.Pool,
		book: new(stats.Link), log: r.log.With("pool", p.Name),
		started: time.Now(),
		files:   files,
	}
	k.protocol.init()
	k.ctx, k.cancel = context.WithCancelCause(ctx)
	if lane != nil {
		k.book = r.directory.book.OpenLink(p.Name, lane.number)
		user := r.account // a copy: the books outlive the route
		k.book.User.Store(&user)
		k.log = k.log.With("lane", lane.number)
	}
	k.dialect = newDialect(k)
	return k
}

// run lives as long as the link does, and returns why it ended. It is the
// reader until a loop is.
func (k *link) run() (err error) {
	defer k.end()
	defer func() {
		k.rate(err)
		err = k.blame(err)
	}()
	k.state(stats.LinkConnecting)
	if k.conn, err = k.dial(); err != nil {
		return k.because(fmt.Errorf("connect to %s: %w", k.to.Address, err))
	}
	defer k.conn.Close()
	hangUp := context.AfterFunc(k.ctx, func() { k.conn.Close() })
	defer hangUp()

	k.state(stats.LinkHandshaking)
	if err := k.dialect.handshake(); err != nil {
		return k.because(err)
	}
	if k.proof {
		return k.because(errProbed)
	}
	if err := k.firstJob(); err != nil || k.lane == nil {
		return k.because(err)
	}
	if !hangUp() {
		return k.because(nil)
	}
	err = k.carry()
	k.verdicts = k.deliver(k.verdicts)
	return k.because(err)
}

func (k *link) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(k.ctx, dial.Timeout)
	defer cancel()
	return k.route.directory.dial(ctx, k.to.Target)
}

// level is how loud the log is about what the pool says of itself.
func (k *link) level(level slog.Level) slog.Level {
	if k.lane == nil {
		return level
	}
	return k.lane.level(level)
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
	for _, ours := range []error{errClosed, errSurplus, errProbed, errMoved, errMisfit} {
		if errors.Is(err, ours) {
			return
		}
	}
	if time.Since(k.started) < steady {
		dial.Rate(k.conn, false)
	}
}

func (k *link) end() {
	k.cancel(errClosed)
	k.files.keep(0)
	k.pool.ended()
	if k.lane != nil {
		k.route.directory.book.CloseLink(k.book)
	}
}

// tried notes the end of a link that was never up, after its failure was noted:
// so that nobody takes the pool for well in between.
func (k *link) tried() {
	if !k.up.Load() {
		k.pool.tried()
	}
}

func (k *link) state(s stats.LinkState) { k.book.State.Store(uint32(s)) }

// activate lets the writer take shares.
func (k *link) activate() {
	k.state(stats.LinkUp)
	k.dialect.activate()
	k.active.Store(true)
	k.epoch.Load().link.Store(k)
	k.rouse()
}

// offer hands a job, or a changed mask or difficulty, to the lane.
func (k *link) offer(clean bool) {
	if k.lane == nil {
		return
	}
	k.lane.offer(k, Post{
		Lane: k.lane, Job: k.job, Clean: clean,
		Mask: k.offered.mask, Difficulty: k.difficulty, Least: k.least(),
	})
}

// noAnswer is what a miner is told of a share that the pool leaves unanswered,
// though it answers others.
const noAnswer = "The pool did not answer"

// unanswered gives up what the pool leaves unanswered for too long, and reports
// that it answers nothing any more. A share that it has passed over, since it has
// answered later ones, is that share's loss alone.
func (k *link) unanswered(now time.Time) (dead bool) {
	var list []Verdict
	k.mu.Lock()
	wake := k.dialect.expire(now)
	for {
		id, passed, ok := k.flight.overdue(now.Add(-answerTimeout))
		if dead = ok && !passed; dead || !ok {
			break
		}
		s, _ := k.flight.remove(id)
		k.dialect.landed(&s)
		wake = true
		v := work.Overloaded
		list = k.verdict(list, &s, v, codec.PoolError{Code: v.Code(), Text: noAnswer}, now)
	}
	k.mu.Unlock()
	if wake {
		k.rouse()
	}
	for chunk := range slices.Chunk(list, maxBatch) {
		k.lane.settle(chunk...)
	}
	return dead
}

// leave returns the shares that a dead link leaves behind, those that were
// sent first and marked so.
func (k *link) leave() []Share {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.book.InFlight.Store(0)
	shares := k.flight.drain(nil)
	for i := range shares {
		shares[i].resubmitted = true
	}
	shares = append(shares, k.again...)
	k.again = nil
	return k.dialect.leave(shares)
}

// verdict counts what became of a share, and appends it to those that deliver
// takes.
func (k *link) verdict(dst []Verdict, s *sent, v work.Verdict, e codec.PoolError, now time.Time) []Verdict {
	k.book.InFlight.Add(-1)
	k.book.Verdict(v, s.share.Job.Algorithm.Work(s.share.Job.DifficultyFor(s.share.Prefix)), now.Sub(s.at))
	return append(dst, s.share.verdict(v, e.Code, e.Text))
}

// settled is verdict for the reader, which delivers before it waits for more. own
// says that the refusal is the miner's own doing.
func (k *link) settled(s *sent, v work.Verdict, e codec.PoolError, own bool) {
	k.verdicts = k.verdict(k.verdicts, s, v, e, k.came)
	k.verdicts[len(k.verdicts)-1].Own = own
	if len(k.verdicts) == maxBatch {
		k.verdicts = k.deliver(k.verdicts)
	}
}

// deliver returns verdicts to the miners. Many at a time: each time may wake
// every event loop.
func (k *link) deliver(list []Verdict) (none []Verdict) {
	if len(list) > 0 {
		k.lane.settle(list...)
		clear(list)
	}
	return list[:0]
}

// Read reads from the pool, for the reader. The verdicts that came with what
// was read before are delivered first: it may take long.
func (k *link) Read(b []byte) (int, error) {
	k.verdicts = k.deliver(k.verdicts)
	n, err := k.conn.Read(b)
	if n > 0 {
		k.came = time.Now() // once for all verdicts that it brought
	}
	return n, err
}

// rouse makes the writer look. Any goroutine.
func (k *link) rouse() {
	if w := k.wire.Load(); w != nil {
		(*w).Wake() // before that there is nobody to be roused: Opened looks for itself
	}
}

// rejected reports that the pool rejects more than the given fraction of what the
// lane's miners send.
func (k *link) rejected(rate float64, members int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rejects.members = members
	return k.rejects.above(rate)
}

// forget drops what is held against the pool for a miner that has left.
func (k *link) forget(p Prefix) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rejects.forget(p)
}

// moveDue reports that a client.reconnect is to be followed now.
func (k *link) moveDue(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.moveTo != "" && !now.Before(k.moveAt)
}
