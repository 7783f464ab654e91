package netloop

import (
	"io"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/upstream"
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
			ended := l.awaitPool()
			for tries := 0; ended && !ends && tries < 100; tries++ { // a signal ends it, too
				ended = l.awaitPool()
			}
			if ended != ends {
				t.Errorf("%s: the wait is over: %v", what, ended)
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

func TestWhatALoopAwaits(t *testing.T) {
	const links = awaitLinks + 1
	f := func(what string, l *loop, flushes int, want awaited) {
		t.Helper()
		if got := l.awaits(&mail{wires: make([]*wire, flushes)}); got != want {
			t.Errorf("%s: it waits for %v, want %v", what, got, want)
		}
	}
	one, some := make([]*wire, 1), rhythm{open: awaitShares}
	f("nothing is on its way", &loop{wires: one}, 0, awaitsNothing)
	f("some shares are", &loop{wires: one, flying: awaitShares}, 0, awaitsPool)
	f("too few are", &loop{wires: one, flying: awaitShares - 1}, 0, awaitsNothing)
	f("some are about to be written, as usual", &loop{wires: one, written: awaitShares}, 1, awaitsPool)
	f("a single one is, as usual", &loop{wires: one, written: 1}, 1, awaitsNothing)
	f("nothing is to be written this time", &loop{wires: one, written: awaitShares}, 0, awaitsNothing)
	f("many links", &loop{wires: make([]*wire, links), flying: 100}, links, awaitsNothing)
	f("its own miners' shares are on other loops' links", &loop{wires: one, rhythm: some}, 0, awaitsNothing)
	f("it has no link, and no share is on its way", &loop{}, 0, awaitsNothing)
	f("it has no link, and a share is", &loop{rhythm: rhythm{open: 1}}, 0, awaitsMail)
	far := loop{wires: one, flying: awaitShares, trials: trials{skip: 2}}
	for _, want := range []awaited{awaitsNothing, awaitsNothing, awaitsPool} {
		if got := far.awaits(&mail{}); got != want {
			t.Errorf("after waits that were in vain: it waits for %v, want %v", got, want)
		}
	}
}

// The more waits in a row were in vain, the fewer are tried.
func TestTrials(t *testing.T) {
	var x trials
	for _, want := range []int{1, 3, 7, 15, 15} {
		if x.failed(); x.skip != want {
			t.Errorf("after %d: %d are left out, want %d", x.vain, x.skip, want)
		}
	}
	x.worked()
	if x.failed(); x.skip != 1 {
		t.Errorf("after one that was not: %d are left out, want 1", x.skip)
	}
}

// A loop that carries no link waits for the verdicts of its miners' shares, and handles them
// in the same turn; what is not there after a while it waits for with its miners.
func TestALoopWaitsForItsMail(t *testing.T) {
	t.Parallel()
	l := (*newLoops(t, 1).loops.Load())[0]
	verdictOnceItDozes := func() {
		for l.doze.begun.Load() == 0 && t.Context().Err() == nil {
			runtime.Gosched()
		}
		l.mailbox.verdicts(l.index, make([]upstream.Verdict, 1))
	}
	f := func(what string, meanwhile func(), open, vain int) {
		t.Helper()
		for range 100 { // a busy machine may be late, and a signal ends a wait
			wasOpen, wasVain := 0, 0
			inTurn(l, func() {
				l.trials = trials{vain: 1}
				l.rhythm.shares, l.rhythm.open, l.rhythm.since = 1, 1, time.Hour // handed on just now
				go meanwhile()
				l.turn()
				wasOpen, wasVain = l.rhythm.open, l.trials.vain
				l.rhythm.open = 0
			})
			if wasOpen == open && wasVain == vain {
				return
			}
		}
		t.Errorf("%s: never are %d verdicts to come after %d waits in vain", what, open, vain)
	}
	f("the verdict comes", verdictOnceItDozes, 0, 0)
	f("none does", func() {}, 1, 2)
}

// inTurn has a loop call f, as the last thing of a turn, and returns when it has.
func inTurn(l *loop, f func()) {
	done := make(chan bool)
	l.mailbox.call(func() {
		f()
		close(done)
	})
	<-done
}

// Whatever the loop is about to do when mail comes, it is collected: one that is not would
// wait for the next tick.
func TestNoMailIsMissedByALoopThatWaits(t *testing.T) {
	t.Parallel()
	l := (*newLoops(t, 1).loops.Load())[0]
	for n := range 3000 {
		done := make(chan bool)
		began := time.Now()
		l.mailbox.call(func() {
			l.rhythm.open, l.trials = 1, trials{} // so it dozes when this turn ends
			close(done)
		})
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatalf("number %d was not collected for %v", n, time.Since(began))
		}
		for spin := n % 50; spin > 0; spin-- { // meet it at another step each time
			runtime.Gosched()
		}
	}
}

func TestDoze(t *testing.T) {
	var d doze
	if d.end() {
		t.Error("one ended that had not begun")
	}
	d.begin()
	if !d.end() || !d.sleep(patience) {
		t.Error("one that ended before the loop slept was waited for")
	}
	d.begin()
	go d.end()
	if !d.sleep(patience) {
		t.Error("nobody ended it")
	}
	for { // until no signal ends it
		d.begin()
		if !d.sleep(time.Millisecond) {
			break
		}
	}
	if d.end() {
		t.Error("one ended that was over")
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
