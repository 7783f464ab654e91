//go:build !race

package stats

import (
	"io"
	"testing"
	"time"

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
	f("Worker.Share, accepted", func() { now = now.Add(time.Second); w.Share(now, work.Accepted, 512) })
	f("Worker.Share, rejected", func() { w.Share(now, work.Stale, 512) })
	f("Worker.SetDifficulty", func() { w.SetDifficulty(512) })
	f("Worker.Difficulty", func() { w.Difficulty() })
	f("Link.Verdict", func() { l.Verdict(work.Accepted, 512, time.Second) })
	f("Loop.Work", func() { loop.Work[work.Accepted].Add(512) })
	f("Book.Worker, known", func() { b.Worker("rig") })
}

// A scrape's memory must not grow with what every worker has to say.
func TestScrapeAllocatesNothingForASeries(t *testing.T) {
	scrape := func(workers int) float64 {
		b := newBook(Options{})
		for i := range workers {
			w := b.Worker("rig" + string(rune('a'+i)))
			w.Share(epoch, work.Accepted, 0.3)
		}
		return testing.AllocsPerRun(10, func() {
			_, list := newExposition(io.Discard), b.workers.all()
			writeWorkers(newExposition(io.Discard), list, epoch)
		})
	}
	few, many := scrape(10), scrape(1000)
	if many > few+10 {
		t.Errorf("%v allocations for 10 workers, %v for 1,000", few, many)
	}
}
