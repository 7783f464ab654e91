package stats

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"farmproxy/work"
)

func TestWorkerIsFoundAgain(t *testing.T) {
	b := newBook(Options{})
	line := []byte("rig1")
	w := b.Worker(unsafe.String(&line[0], len(line)))
	copy(line, "oops") // the next line into the same buffer
	if b.Worker("rig1") != w {
		t.Error("the same name is another worker")
	}
	if b.Worker("rig2") == w {
		t.Error("another name is the same worker")
	}
	if w.Name() != "rig1" {
		t.Errorf("name %q", w.Name())
	}
}

func TestBeyondTheBoundWorkersAreOne(t *testing.T) {
	b := newBook(Options{MaxWorkers: 2})
	b.Worker("a").Share(0, epoch, work.Accepted, 1)
	b.Worker("b").Share(0, epoch, work.Accepted, 1)
	f := func(name, want string) {
		t.Helper()
		w := b.Worker(name)
		if (w == b.workers.other) != (want == Other) {
			t.Errorf("%.20q has books of its own: %v", name, w != b.workers.other)
		}
		if got := w.Name(); got != want {
			t.Errorf("%.20q counts under %q, want %q", name, got, want)
		}
	}
	f("c", Other)
	f("d", Other)
	f("a", "a")

	b = newBook(Options{})
	f(Other, Other) // otherwise there would be two of that name
	f(strings.Repeat("x", maxName), strings.Repeat("x", maxName))
	f(strings.Repeat("x", maxName+1), Other)
}

func TestOtherIsListedOnlyWhenNeeded(t *testing.T) {
	b := newBook(Options{MaxWorkers: 1})
	b.Worker("a").Share(0, epoch, work.Accepted, 1)
	if n := len(b.workers.all()); n != 1 {
		t.Errorf("%d workers, want 1", n)
	}
	b.Worker("b").Share(0, epoch, work.Accepted, 1)
	if n := len(b.workers.all()); n != 2 {
		t.Errorf("%d workers, want 2", n)
	}
}

func TestForget(t *testing.T) {
	f := func(what string, after time.Duration, want bool, do func(w *Worker)) {
		t.Helper()
		b := newBook(Options{Forget: time.Hour})
		w := b.Worker("rig")
		w.Share(0, epoch, work.Accepted, 1)
		do(w)
		b.workers.sweep(epoch.Add(after))
		if _, got := b.workers.byName["rig"]; got != want {
			t.Errorf("%s: known %v, want %v", what, got, want)
		}
		if got := len(b.workers.all()) == 1; got != want {
			t.Errorf("%s: listed %v, want %v", what, got, want)
		}
	}
	f("seen lately", 59*time.Minute, true, func(w *Worker) {})
	f("unseen", time.Hour, false, func(w *Worker) {})
	f("a miner is there", 24*time.Hour, true, func(w *Worker) { w.Connected(epoch, "", "") })
	f("the miner has gone", time.Hour, false, func(w *Worker) { w.Connected(epoch, "", ""); w.Disconnected(epoch, 0) })
	f("a verdict came later", time.Hour, true, func(w *Worker) { w.Share(0, at(60), work.Accepted, 1) })
}

// A name without an accepted share is dropped soon.
func TestStraysAreForgottenSoon(t *testing.T) {
	f := func(what string, after time.Duration, want bool, do func(w *Worker)) {
		t.Helper()
		b := newBook(Options{})
		do(b.Worker("rig"))
		b.workers.sweep(epoch.Add(after))
		if _, got := b.workers.byName["rig"]; got != want {
			t.Errorf("%s: known %v, want %v", what, got, want)
		}
	}
	f("just seen", strayTime-time.Second, true, func(*Worker) {})
	f("unseen", strayTime, false, func(*Worker) {})
	f("its shares were refused", strayTime, false, func(w *Worker) { w.Share(0, epoch, work.LowDifficulty, 1) })
	f("a miner is there", time.Hour, true, func(w *Worker) { w.Connected(epoch, "", "") })
	f("it has earned something", time.Hour, true, func(w *Worker) { w.Share(0, epoch, work.Accepted, 1) })
}

// 70,000 made-up names, each for a moment: few remain, and no worker that works or is
// connected has lost anything.
func TestAStormOfNames(t *testing.T) {
	b := newBook(Options{})
	now := epoch
	b.now = func() time.Time { return now }
	b.Worker("earned").Share(0, now, work.Accepted, 1)
	b.Worker("there").Connected(now, "", "")
	most := 0
	for i := range 70_000 {
		w := b.Worker(fmt.Sprintf("storm.%d", i))
		w.Connected(now, "", "")
		w.Mining(fmt.Sprintf("account%d", i), "pool", "sha256d")
		w.Disconnected(now, 0)
		now = now.Add(time.Millisecond)
		most = max(most, len(b.workers.list), len(b.ledger.totals[byAccount]))
	}
	if limit := 2*int(strayMin/time.Millisecond) + 2*fewNames; most > limit {
		t.Errorf("%d names at a time, want %d at most", most, limit)
	}
	now = now.Add(strayMin)
	if err := b.WriteMetrics(io.Discard, true); err != nil {
		t.Fatal(err)
	}
	if w, a := len(b.workers.list), len(b.ledger.totals[byAccount]); w > 2 || a > fewNames {
		t.Errorf("a scrape has %d workers and %d accounts, want two workers and few accounts", w, a)
	}
	for _, name := range []string{"earned", "there"} {
		if _, ok := b.workers.byName[name]; !ok {
			t.Errorf("%s was dropped", name)
		}
	}
}

// Anybody who can connect can make up names: they must not keep out a real worker.
func TestFullRegistryForgetsNamesThatNeverMined(t *testing.T) {
	b := newBook(Options{MaxWorkers: 2})
	b.Worker("earned").Share(0, epoch, work.Accepted, 1)
	b.Worker("junk").Share(0, epoch, work.LowDifficulty, 1)
	b.now = func() time.Time { return epoch.Add(2 * strayTime) }
	if got := b.Worker("new").Name(); got != "new" {
		t.Errorf("the newcomer counts under %q", got)
	}
	if _, ok := b.workers.byName["earned"]; !ok {
		t.Error("the one that had mined was dropped")
	}
	if _, ok := b.workers.byName["junk"]; ok {
		t.Error("the one that had not mined was kept")
	}
}

// A worker that was just found must not be dropped before it is connected.
func TestFoundAgainIsNotDropped(t *testing.T) {
	b := newBook(Options{Forget: time.Hour})
	w := b.Worker("rig")
	later := epoch.Add(time.Hour)
	b.now = func() time.Time { return later }
	b.Worker("rig")
	b.workers.drop([]*Worker{w}, later, strayTime)
	if b.Worker("rig") != w {
		t.Error("the worker was dropped")
	}
}

// A miner's budget is 1.2 kB: its worker may take a quarter of that.
func TestMemoryOfAWorker(t *testing.T) {
	const n, budget = 10_000, 300
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("account.rig%04d", i)
	}
	var before, after runtime.MemStats
	b := newBook(Options{})
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, name := range names {
		w := b.Worker(name)
		w.Connected(epoch, "192.0.2.1:4711", "cgminer/4.12")
		w.Share(0, epoch, work.Accepted, 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	const name = 16 // the size class that "account.rig0000" is copied into
	each := (after.HeapAlloc-before.HeapAlloc)/n - name
	t.Logf("%d bytes a worker besides its name", each)
	if each > budget {
		t.Errorf("a worker takes %d bytes besides its name, want %d at most", each, budget)
	}
	runtime.KeepAlive(b)
}

// A worker with a record vouches for a miner as long as no other is connected under
// its name.
func TestAWorkerVouches(t *testing.T) {
	b := New(Options{})
	now := time.Unix(1000, 0)
	vouches := func(what string, connected int, want bool) {
		t.Helper()
		if got := b.Vouches("rig", connected); got != want {
			t.Errorf("%s: got %v", what, got)
		}
	}
	vouches("nobody", 0, false)
	w := b.Worker("rig")
	vouches("one without a share", 0, false)
	w.Connected(now, "10.0.0.1:1", "")
	w.Share(0, now, work.Stale, 1)
	vouches("one with a refused share", 1, false)
	w.Share(0, now, work.Accepted, 1)
	vouches("one with a share, for itself", 1, true)
	vouches("for another", 0, false)
	w.Connected(now, "10.0.0.2:1", "")
	vouches("for one of two", 1, false)
	w.Disconnected(now, 0)
	w.Disconnected(now, 0)
	vouches("when it has left", 0, true)
}
