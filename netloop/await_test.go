package netloop

import (
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// still has a loop that carries a link stand still while f does its work for it.
func (c *carriage) still(f func(l *loop)) {
	c.t.Helper()
	l, done := c.wire.(*wire).loop, make(chan bool)
	l.mailbox.call(func() {
		f(l)
		done <- true
	})
	<-done
}

// says sends what the pool says, and returns when the loop, which stands still, could read it.
func (c *carriage) says(text string, w *wire) {
	io.WriteString(c.pool, text)
	for n := 0; n < len(text); {
		n, _, _ = unix.Recvfrom(w.conn.Fd(), make([]byte, len(text)), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	}
}

// A pool that owes verdicts of 10 bytes each is waited for until the last of them has begun.
func TestAWaitForVerdicts(t *testing.T) {
	t.Parallel()
	f := func(what string, owed, bytes int, ends bool) {
		t.Helper()
		c := carry(t, newLoops(t, 1), &script{})
		c.still(func(l *loop) {
			w := l.wires[0]
			w.flying, w.verdict = owed, 10
			c.says(string(make([]byte, bytes)), w)
			ended := l.await()
			for tries := 0; ended && !ends && tries < 100; tries++ { // a signal ends it, too
				ended = l.await()
			}
			if ended != ends || l.vain > 0 == ends {
				t.Errorf("%s: the wait is over: %v; %d are left out", what, ended, l.vain)
			}
			if n, err := unix.GetsockoptInt(w.conn.Fd(), unix.SOL_SOCKET, unix.SO_RCVLOWAT); n != 1 || err != nil {
				t.Errorf("%s: the loop then hears of %d bytes, %v", what, n, err)
			}
			w.flying = 0
		})
	}
	f("all have come", 5, 50, true)
	f("the last has begun", 5, 41, true)
	f("but one have come", 5, 40, false)
	f("too few to wait for", awaitShares-1, 30, false)
	f("a job among the verdicts of very many", 5000, awaitBytes, true)
}

func TestWhenALoopAwaitsVerdicts(t *testing.T) {
	const links = awaitLinks + 1
	f := func(what string, l *loop, flushes int, want bool) {
		t.Helper()
		if got := l.awaits(&mail{wires: make([]*wire, flushes)}); got != want {
			t.Errorf("%s: it waits: %v", what, got)
		}
	}
	one := make([]*wire, 1)
	f("nothing is on its way", &loop{wires: one}, 0, false)
	f("some shares are", &loop{wires: one, flying: awaitShares}, 0, true)
	f("too few are", &loop{wires: one, flying: awaitShares - 1}, 0, false)
	f("some are about to be written, as usual", &loop{wires: one, written: awaitShares}, 1, true)
	f("a single one is, as usual", &loop{wires: one, written: 1}, 1, false)
	f("nothing is to be written this time", &loop{wires: one, written: awaitShares}, 0, false)
	f("many links", &loop{wires: make([]*wire, links), flying: 100}, links, false)
	far := loop{wires: one, flying: awaitShares, vain: 2}
	for _, want := range []bool{false, false, true} {
		if got := far.awaits(&mail{}); got != want {
			t.Errorf("after waits that were in vain: it waits: %v, want %v", got, want)
		}
	}
}

// Verdicts that are waited for are read in the same turn.
func TestATurnWithAWait(t *testing.T) {
	t.Parallel()
	f := func(inFlight int32, events ...string) {
		t.Helper()
		c := carry(t, newLoops(t, 1), &script{})
		c.still(func(l *loop) {
			l.written = awaitShares
			c.says("verdicts\n", l.wires[0])
			c.flying.Store(inFlight)
			c.wire.Wake()
			l.turn()
			c.events <- "the turn is over"
		})
		for _, event := range events {
			c.want(event)
		}
	}
	f(awaitShares, "pending", "received verdicts\n", "the turn is over")
	f(awaitShares-1, "pending", "the turn is over")
}

// A pool that sends more whenever it is heard, but no verdicts, does not keep a loop from its
// miners.
func TestAPoolThatSendsWithoutEnd(t *testing.T) {
	t.Parallel()
	link := &script{}
	c := carry(t, newLoops(t, 1), link)
	c.still(func(l *loop) {
		w, heard := l.wires[0], 0
		link.heard = func() {
			if heard++; heard <= 10*awaitTimes*longReads {
				c.says("a job\n", w)
			}
		}
		c.flying.Store(awaitShares)
		w.count()
		c.says("a job\n", w)
		if l.turn(); heard == 0 || heard > awaitTimes*longReads {
			t.Errorf("the loop heard the pool %d times in a turn", heard)
		}
		link.heard = nil
		c.flying.Store(0)
		w.count()
	})
}

// A pool that owes verdicts and hangs up does not keep a loop from its miners: that there is
// something to read ends each wait, and it is read after the turn.
func TestAPoolThatHangsUpOwingVerdicts(t *testing.T) {
	t.Parallel()
	c := carry(t, newLoops(t, 1), &script{})
	c.still(func(l *loop) {
		w := l.wires[0]
		c.flying.Store(awaitShares)
		w.count()
		c.pool.Close()
		saved := time.AfterFunc(patience/2, func() {
			c.flying.Store(0)
			l.mailbox.call(w.count)
		})
		if l.turn(); !saved.Stop() {
			t.Error("the loop waits for it all the time")
		}
	})
	c.wantEnd(func(error) bool { return true })
}

// A loop does not rest just when it has written shares, of other loops too: their verdicts
// would wait for its whole rest.
func TestNoRestAfterSharesAreWritten(t *testing.T) {
	t.Parallel()
	f := func(what string, writes, rests bool) {
		t.Helper()
		c := carry(t, newLoops(t, 1), &script{})
		c.still(func(l *loop) {
			l.rhythm.shares, l.rhythm.since = 1, time.Hour // handed on just now
			if writes {
				c.wire.Wake()
			}
			l.turn()
			if rested := l.rhythm.shares == 0; rested != rests {
				t.Errorf("%s: it rests: %v", what, rested)
			}
		})
	}
	f("all verdicts have come", false, true)
	f("and another loop's shares are written", true, false)
}

// How long a verdict is is learned from what has nothing but verdicts in it.
func TestHowLongVerdictsAre(t *testing.T) {
	w := wire{verdict: 36}
	for _, x := range []struct{ bytes, verdicts, want int }{
		{370, 10, 37}, {37, 1, 37}, {1500, 0, 37}, {1537, 1, 38}, {111, 3, 37}, {50, 2, 25}, {37, 1, 26},
	} {
		if w.learn(x.bytes, x.verdicts); w.verdict != x.want {
			t.Errorf("after %d verdicts in %d bytes: %d bytes each, want %d", x.verdicts, x.bytes, w.verdict, x.want)
		}
	}
}
