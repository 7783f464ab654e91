//go:build !race

package stats

import (
	"io"
	"testing"
	"time"
	"unsafe"

	"farmproxy/work"
)

func TestCountingDoesNotAllocate(t *testing.T) {
	b := newBook(Options{Loops: 1})
	w, l, loop := b.Worker("rig"), b.OpenLink("pool", 0), b.Loop(0)
	f := func(what string, count func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, count); n != 0 {
			t.Errorf("%s: %v allocations, want 0", what, n)
		}
	}
	now := epoch
	w.Mining("account", "pool", "scrypt")
	m := newPredecessor().OpenMiner("192.0.2.1:4711", "account", "scrypt", "pool")
	b.Configure(groupedBy(t, `{name:rig}`))
	w.CameBy("0.0.0.0:3333")
	w.Share(0, now, work.Accepted, 512) // allocates the group's cell
	f("Worker.CameBy, the same", func() { w.CameBy("0.0.0.0:3333") })
	f("Worker.Mining, the same", func() { w.Mining("account", "pool", "scrypt") })
	f("Miner.Sent", func() { m.Sent(1) })
	f("Miner.Accepted", func() { m.Accepted(1); m.Mined(now, 1) })
	f("Worker.Share, accepted", func() { now = now.Add(time.Second); w.Share(0, now, work.Accepted, 512) })
	f("Worker.Share, rejected", func() { w.Share(0, now, work.Stale, 512) })
	f("Worker.SetDifficulty", func() { w.SetDifficulty(512) })
	f("Worker.Difficulty", func() { w.Difficulty() })
	f("Link.Verdict", func() { l.Verdict(work.Accepted, 512, time.Second) })
	f("Loop.Work", func() { loop.Work[work.Accepted].Add(512) })
	f("Book.Worker, known", func() { b.Worker("rig") })
}

// A farm has tens of thousands of workers, and the allocator would take 224 bytes for one
// more.
func TestAWorkerStaysSmall(t *testing.T) {
	if size := unsafe.Sizeof(Worker{}); size > 208 {
		t.Errorf("a worker takes %d bytes, want at most 208", size)
	}
}

// Looking at all workers must not make garbage for each: it happens four times a minute.
func TestLookingAllocatesNothingForAWorker(t *testing.T) {
	look := func(workers int) float64 {
		b := newBook(Options{Loops: 1})
		for i := range workers {
			b.Worker("rig"+string(rune('a'+i))).Connected(epoch, "192.0.2.1:7", "bmminer")
		}
		return testing.AllocsPerRun(10, func() { b.EachWorker(func(*WorkerInfo) {}) })
	}
	if one, many := look(1), look(20); one != many {
		t.Errorf("%v allocations for 20 workers, %v for one", many, one)
	}
}

// A scrape's memory must not grow with the number of workers.
func TestScrapeAllocatesNothingForASeries(t *testing.T) {
	scrape := func(workers int) float64 {
		b := newPredecessor()
		for i := range workers {
			w := b.Worker("rig" + string(rune('a'+i)))
			w.Mining("account"+w.Name(), "pool", "scrypt")
			w.Share(0, epoch, work.Accepted, 0.3)
			b.OpenMiner(w.Name(), "account", "scrypt", "pool").Sent(0.3)
		}
		return testing.AllocsPerRun(10, func() {
			_, list := newExposition(io.Discard), b.workers.all()
			e := newExposition(io.Discard)
			writeWorkers(e, list, epoch)
			b.writeTotals(e, byAccount, epoch)
			b.writePredecessor(e, epoch)
		})
	}
	few, many := scrape(10), scrape(1000)
	if many > few+10 {
		t.Errorf("%v allocations for 10 workers, %v for 1,000", few, many)
	}
}
