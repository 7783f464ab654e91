package netloop

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// newLoops runs the event loops of a server without pools.
func newLoops(t *testing.T, loops int, changes ...func(*Options)) *Server {
	t.Helper()
	book := stats.New(stats.Options{Loops: loops, CloseReasons: session.Reasons()})
	o := Options{Loops: loops, Book: book, Log: slog.New(slog.DiscardHandler), Settings: Settings{
		Listeners: []Listener{{Address: "127.0.0.1:0"}}, MaxMiners: 10,
		Terms: session.Terms{SubscribeTimeout: patience, AuthorizeTimeout: patience},
	}}
	for _, change := range changes {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Run(upstream.NewDirectory(upstream.DirectoryOptions{Book: book}, s)) }()
	<-s.running
	t.Cleanup(func() {
		s.Stop(context.Background())
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// script is a link that reports what happens to it, and does what it is told to.
type script struct {
	wire   upstream.Wire
	events chan string
	say    func() []byte // what Pending appends
	answer error         // to Received
	late   error         // to Tick
	flying atomic.Int32  // shares in flight
	heard  func()        // called by Received
}

func (s *script) Opened(w upstream.Wire) error {
	s.wire = w
	s.events <- "opened"
	return nil
}

func (s *script) Received(_ time.Time, data []byte) error {
	s.events <- "received " + string(data)
	if s.heard != nil {
		s.heard()
	}
	return s.answer
}

func (s *script) Pending(_ time.Time, dst []byte) []byte {
	if s.say != nil {
		dst = append(dst, s.say()...)
	}
	s.events <- "pending"
	return dst
}

func (s *script) Tick(time.Time) error { return s.late }
func (s *script) InFlight() int        { return int(s.flying.Load()) }

// carriage is a link on a loop, and its pool.
type carriage struct {
	*script
	t      *testing.T
	pool   net.Conn
	cancel context.CancelFunc
	ended  chan error
}

func carry(t *testing.T, s *Server, link *script) *carriage {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	pool, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetDeadline(time.Now().Add(patience))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); pool.Close() })
	link.events = make(chan string, 1000)
	c := &carriage{script: link, t: t, pool: pool, cancel: cancel, ended: make(chan error, 1)}
	go func() { c.ended <- s.Carry(ctx, conn.(*net.TCPConn), link) }()
	c.want("opened")
	return c
}

func (c *carriage) want(event string) {
	c.t.Helper()
	select {
	case got := <-c.events:
		if got != event {
			c.t.Fatalf("got %q, want %q", got, event)
		}
	case <-time.After(patience):
		c.t.Fatalf("%q did not come", event)
	}
}

func (c *carriage) wantEnd(ok func(error) bool) {
	c.t.Helper()
	select {
	case err := <-c.ended:
		if !ok(err) {
			c.t.Fatalf("ended with %v", err)
		}
	case <-time.After(patience):
		c.t.Fatal("did not end")
	}
}

func TestCarriedLink(t *testing.T) {
	t.Parallel()
	say := []string{"shares\n", "more\n"}
	c := carry(t, newLoops(t, 2), &script{say: func() (next []byte) {
		if len(say) > 0 {
			next, say = []byte(say[0]), say[1:]
		}
		return next
	}})
	io.WriteString(c.pool, "job\n")
	c.want("received job\n")
	c.wire.Wake()
	for range 3 { // the last time there is no more
		c.want("pending")
	}
	got := make([]byte, len("shares\nmore\n"))
	if _, err := io.ReadFull(c.pool, got); err != nil || string(got) != "shares\nmore\n" {
		t.Fatalf("the pool got %q, %v", got, err)
	}
}

func TestCarriedLinkEnds(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	loops := newLoops(t, 1)
	for name, test := range map[string]struct {
		link *script
		end  func(c *carriage)
		ok   func(err error) bool
	}{
		"the pool closes":         {&script{}, func(c *carriage) { c.pool.Close() }, func(err error) bool { return errors.Is(err, io.EOF) }},
		"the link has enough":     {&script{answer: enough}, func(c *carriage) { io.WriteString(c.pool, "x") }, func(err error) bool { return err == enough }},
		"the pool is too slow":    {&script{late: enough}, func(*carriage) {}, func(err error) bool { return err == enough }},
		"the link is dropped":     {&script{}, func(c *carriage) { c.cancel() }, func(err error) bool { return err != nil }},
		"it is dropped, and woke": {&script{}, func(c *carriage) { c.cancel(); c.wire.Wake() }, func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			c := carry(t, loops, test.link)
			test.end(c)
			c.wantEnd(test.ok)
			if n, err := c.pool.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Error("the pool's connection is still open")
			}
			c.wire.Wake() // does no harm
		})
	}
}

// A loop knows how many shares have no verdict yet on all links that it carries.
func TestALoopCountsItsLinksSharesInFlight(t *testing.T) {
	t.Parallel()
	s := newLoops(t, 1)
	one, other := carry(t, s, &script{}), carry(t, s, &script{})
	l := (*s.loops.Load())[0]
	want := func(want int) {
		t.Helper()
		got := make(chan int)
		l.mailbox.call(func() { got <- l.flying })
		if n := <-got; n != want {
			t.Errorf("%d shares are in flight, want %d", n, want)
		}
	}
	one.flying.Store(3)
	one.wire.Wake()
	one.want("pending")
	other.flying.Store(2)
	other.wire.Wake()
	other.want("pending")
	want(5)
	one.flying.Store(1)
	io.WriteString(one.pool, "verdicts")
	one.want("received verdicts")
	want(3)
	other.cancel()
	other.wantEnd(func(err error) bool { return err != nil })
	want(1)
}

// A pool that does not read fills the wire; when it reads again, the link is flushed
// without being asked.
func TestFullWire(t *testing.T) {
	t.Parallel()
	const line = 64 << 10
	type look struct {
		sent int
		full bool
	}
	looks := make(chan look, 1)
	script := &script{}
	n, full := 0, false // the loop's
	script.say = func() []byte {
		if full {
			return nil
		}
		if script.wire.(*wire).full() {
			t.Error("asked although it is full")
		}
		n += line
		return []byte(strings.Repeat("x", line))
	}
	c := carry(t, newLoops(t, 1), script)
	go func() {
		for range c.events { // many
		}
	}()
	c.wire.Wake()
	w := c.wire.(*wire)
	var last look
	for tries := time.Now(); !last.full && time.Since(tries) < patience; { // until the kernel takes no more
		w.loop.mailbox.call(func() {
			full = full || w.full()
			looks <- look{n, full}
		})
		last = <-looks
	}
	if got, err := io.CopyN(io.Discard, c.pool, int64(last.sent)); err != nil {
		t.Fatalf("the pool got %d bytes of %d: %v", got, last.sent, err)
	}
}

func TestStuckPoolIsLeft(t *testing.T) {
	t.Parallel()
	s := newLoops(t, 1)
	c := carry(t, s, &script{say: func() []byte { return make([]byte, 1<<20) }})
	c.wire.Wake()
	c.want("pending")
	w := c.wire.(*wire)
	w.loop.mailbox.call(func() { w.stuck = w.stuck.Add(-maxWireStuck) })
	flushes, began := 0, time.Now()
	for ended := false; !ended; {
		select {
		case <-c.events:
			flushes++
		case err := <-c.ended:
			if ended = true; err != errStuck {
				t.Errorf("it ended with %v", err)
			}
		}
	}
	// A signal from the runtime may cut a pause short.
	if most := 2 + 2*int(time.Since(began)/stallRest); flushes > most {
		t.Errorf("flushed %d times, want %d at most: a stalled link must not keep the loop busy", flushes, most)
	}
}

// A pool that has read everything in between is not stuck, however long ago something
// first had to wait.
func TestASlowPoolIsNotStuck(t *testing.T) {
	t.Parallel()
	w := &wire{conn: new(socket), loop: &loop{wall: time.Now()}, stuck: time.Now().Add(-2 * maxWireStuck)}
	if !w.write([]byte("share")) || !w.stuck.IsZero() {
		t.Errorf("stuck since %v", w.stuck)
	}
}

// sluggish is a connection whose kernel takes bytes when the test has it take some.
type sluggish struct {
	socket
	kept int
}

func (s *sluggish) Write(b []byte) (int, error) { s.kept += len(b); return len(b), nil }
func (s *sluggish) OutboundBuffered() int       { return s.kept }

// What the kernel has not taken is what another process, which gets the socket, has to
// write first.
func TestWhatAPoolHasNotReadIsKnown(t *testing.T) {
	f := func(steps, want string) { // words to write, and how many bytes are taken
		t.Helper()
		conn := new(sluggish)
		w := &wire{conn: conn, loop: &loop{wall: time.Now()}}
		for _, step := range strings.Fields(steps) {
			if n, err := strconv.Atoi(step); err == nil {
				conn.kept -= n
			} else {
				w.write([]byte(step))
			}
		}
		unsent, open := w.Unsent()
		if !open || string(unsent) != want {
			t.Errorf("%s: %q is unsent, want %q", steps, unsent, want)
		}
		conn.kept = 0
		if w.write(nil); w.unsent != nil {
			t.Errorf("%s: %q is kept although all was taken", steps, w.unsent)
		}
	}
	f("", "")
	f("abc 3", "")
	f("abc", "abc")
	f("abc 1", "bc")
	f("abc 1 def", "bcdef")
	f("abc 1 def 4", "f")
	f("abc 1 def 4 ghi 2", "hi")
	f("abc 3 def", "def")
	if _, open := new(wire).Unsent(); open {
		t.Error("a connection that was closed is open")
	}
}

// Nobody waits for a link that no loop has yet.
func TestCarryIsCutShort(t *testing.T) {
	s := &Server{running: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Carry(ctx, new(net.TCPConn), &script{}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

// The two bells are rung alternately, and each collects the mail.
func TestBells(t *testing.T) {
	t.Parallel()
	s := newLoops(t, 2)
	for _, l := range *s.loops.Load() {
		for range 10 {
			rung := make(chan struct{})
			l.mailbox.call(func() { close(rung) })
			select {
			case <-rung:
			case <-time.After(patience):
				t.Fatal("the loop does not hear")
			}
		}
	}
}

// In a long turn the loop hears the pool at once, and has written to it before the turn
// ends, though thousands of miners' sockets are ready before the link's.
func TestALongTurnHearsThePools(t *testing.T) {
	t.Parallel()
	s := newLoops(t, 1)
	said := false
	c := carry(t, s, &script{say: func() []byte {
		if said {
			return nil
		}
		said = true
		return []byte("shares\n")
	}})
	c.still(func(l *loop) {
		c.says("verdicts\n", l.wires[0])
		l.wires[0].Wake()
		l.handed = longTurn
		l.turn()
		c.events <- "the turn is over"
	})
	for _, event := range []string{"received verdicts\n", "pending", "pending", "the turn is over"} {
		c.want(event)
	}
}
