package stats

import (
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

func TestReconnects(t *testing.T) {
	f := func(events string, want uint32) {
		t.Helper()
		var w Worker
		for _, e := range events {
			switch e {
			case '+':
				w.Connected(epoch, "", "")
			case '-':
				w.Disconnected(epoch, 0)
			}
		}
		if got := w.reconnects(); got != want {
			t.Errorf("%s: %d reconnects, want %d", events, got, want)
		}
	}
	f("", 0)
	f("+", 0)
	f("+-", 0)
	f("+-+", 1)
	f("+-+-+-", 2)
	f("+++", 0)   // three miners with one name
	f("+++-+", 1) // one of them comes back
	f("+++---+++", 3)
	f("++-+-+-", 2) // back each time before the old connection is known to be dead
}

func TestConnectedSince(t *testing.T) {
	b := newBook(Options{})
	w := b.Worker("rig")
	since := func() time.Time { return w.info(epoch).ConnectedSince }
	want := func(what string, got, want time.Time) {
		t.Helper()
		if !got.Equal(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("never connected", since(), time.Time{})
	w.Connected(at(1), "", "")
	w.Connected(at(2), "", "")
	want("two miners", since(), at(1))
	w.Disconnected(at(3), 0)
	want("one left", since(), at(1))
	w.Disconnected(at(4), 0)
	want("none left", since(), time.Time{})
	w.Connected(at(5), "", "")
	want("back", since(), at(5))
}

func TestWorkerCountsShares(t *testing.T) {
	b := newBook(Options{})
	w := b.Worker("rig")
	w.Share(0, at(1), work.Accepted, 100)
	w.Share(0, at(2), work.Accepted, 50)
	w.Share(0, at(3), work.Stale, 100)
	w.Share(0, at(4), work.Overloaded, 100)
	i := w.info(at(30))
	if want := (Shares{work.Accepted: 2, work.Stale: 1, work.Overloaded: 1}); i.Shares != want {
		t.Errorf("shares %v, want %v", i.Shares, want)
	}
	if i.Shares.Rejected() != 2 {
		t.Errorf("%d rejected, want 2", i.Shares.Rejected())
	}
	if i.Work != 150 {
		t.Errorf("work %v, want 150: accepted shares only", i.Work)
	}
	if !i.LastShare.Equal(at(2)) {
		t.Errorf("last share %v, want the last accepted one, %v", i.LastShare, at(2))
	}
	if want := 150. / 30 * work.HashesPerShare; i.HashRate != want {
		t.Errorf("%v H/s, want %v", i.HashRate, want)
	}
}

// One that was away for longer than the window has the right rate from its first
// share; one that was away for a minute has that minute missing.
func TestHashRateAfterAPause(t *testing.T) {
	f := func(pause, want float64) {
		t.Helper()
		var w Worker
		w.Connected(epoch, "", "")
		mine := func(from float64) {
			for s := from + 10; s <= from+60; s += 10 {
				w.Share(0, at(s), work.Accepted, 10)
			}
		}
		mine(0)
		w.Disconnected(at(60), 0)
		w.Connected(at(60+pause), "", "")
		mine(60 + pause)
		if got := w.hashRate(at(120+pause)) / work.HashesPerShare; got != want {
			t.Errorf("after %v s away: %v shares a second, want %v", pause, got, want)
		}
	}
	f(3600, 1)
	f(60, 120./180)
}

func TestAddress(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := makeAddr(s).String(); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	f("192.0.2.1:4711", "192.0.2.1:4711")
	f("[2001:db8::1]:4711", "[2001:db8::1]:4711")
	f("[::ffff:192.0.2.1]:4711", "192.0.2.1:4711")
	f("[fe80::1%eth0]:4711", "[fe80::1]:4711")
	f("", "")
	f("@", "")
}

func TestAgent(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := makeAgent(s).String(); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	f("", "")
	f("cgminer/4.12", "cgminer/4.12")
	f("bad\xff", "bad\uFFFD")
	f(strings.Repeat("a", maxAgent), strings.Repeat("a", maxAgent))
	f(strings.Repeat("a", maxAgent+1), strings.Repeat("a", maxAgent))
	f(strings.Repeat("a", maxAgent-1)+"é", strings.Repeat("a", maxAgent-1)) // not half a character
}

func TestDifficultyIsKept(t *testing.T) {
	b := newBook(Options{MaxWorkers: 1})
	w := b.Worker("rig")
	if w.Difficulty() != 0 {
		t.Errorf("%v before any was set, want 0", w.Difficulty())
	}
	w.SetDifficulty(4096)
	if got := b.Worker("rig").Difficulty(); got != 4096 {
		t.Errorf("got %v, want 4096", got)
	}
	other := b.Worker("no room")
	other.SetDifficulty(4096)
	if got := other.Difficulty(); got != 0 {
		t.Errorf("the worker of all others has difficulty %v, want 0", got)
	}
}

// newBook returns a Book whose clock is at epoch.
func newBook(o Options) *Book {
	b := New(o)
	b.started.Store(int64(elapsed(epoch)))
	b.now = func() time.Time { return epoch }
	return b
}
