package stats

import (
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"farmproxy/work"
)

func BenchmarkWorkerShare(b *testing.B) { benchmarkShare(b, Settings{}) }

func BenchmarkWorkerShareInAGroup(b *testing.B) { benchmarkShare(b, groupedBy(b, "{name:rig}")) }

func benchmarkShare(b *testing.B, s Settings) {
	w := newBook(Options{Settings: s}).Worker("account.rig")
	w.Mining("account", "pool", "sha256d")
	w.Connected(epoch, "", "")
	now := epoch
	w.Share(0, now, work.Accepted, 512) // allocates the cells
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		w.Share(0, now, work.Accepted, 512)
	}
}

// Each processor acts as an event loop with its own worker, all for one account.
func BenchmarkWorkerShareOfOneAccount(b *testing.B) {
	loops := runtime.GOMAXPROCS(0)
	book := newBook(Options{Loops: loops})
	var next atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		loop := int(next.Add(1)) - 1
		w := book.Worker(fmt.Sprint("account.rig", loop))
		w.Mining("account", "pool", "sha256d")
		for now := epoch; pb.Next(); {
			now = now.Add(time.Second)
			w.Share(loop, now, work.Accepted, 512)
		}
	})
}

func BenchmarkLinkVerdict(b *testing.B) {
	l := newBook(Options{}).OpenLink("pool", 0)
	b.ReportAllocs()
	for b.Loop() {
		l.Verdict(work.Accepted, 512, 80*time.Millisecond)
	}
}

func BenchmarkBookWorker(b *testing.B) {
	book := tenThousand(b)
	b.ReportAllocs()
	for b.Loop() {
		book.Worker("0000000000001388.rig")
	}
}

// The part of a scrape that grows with the farm: the series of each worker, each
// account and each miner, of 1,000.
func BenchmarkScrape(b *testing.B) {
	book := farmOf(b, 1000)
	scrape := func() {
		e := newExposition(io.Discard)
		e.workers = book.workers.appendAll(e.workers[:0])
		book.writeTotals(e, byAccount, epoch)
		writeWorkers(e, e.workers, epoch)
		book.writePredecessor(e, epoch)
		if err := e.finish(); err != nil {
			b.Fatal(err)
		}
	}
	scrape() // the first scrape allocates what the next ones reuse
	b.ReportAllocs()
	for b.Loop() {
		scrape()
	}
}

func BenchmarkWriteMetrics(b *testing.B) {
	book := tenThousand(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := book.WriteMetrics(io.Discard, true); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWorkersQuery(b *testing.B) {
	book := tenThousand(b)
	b.ReportAllocs()
	for b.Loop() {
		book.Workers(WorkerQuery{Order: ByHashRate, Descending: true, Limit: 100})
	}
}

func BenchmarkStatus(b *testing.B) {
	book := tenThousand(b)
	b.ReportAllocs()
	for b.Loop() {
		book.Status()
	}
}

func tenThousand(tb testing.TB) *Book { return farmOf(tb, 10_000) }

func farmOf(tb testing.TB, miners int) *Book {
	b := newBook(Options{Loops: 2, Settings: Settings{Predecessor: true, Proxy: "0.0.0.0:3333", Groups: groupedBy(tb, `{name:^\w{14}}`).Groups}})
	for i := range miners {
		account := fmt.Sprintf("%016x", i)
		w := b.Worker(account + ".rig")
		w.Mining(account, "pool.example:3333", "sha256d")
		m := b.OpenMiner(fmt.Sprintf("192.0.2.1:%d", 10_000+i), account, "sha256d", "pool.example:3333")
		m.Sent(1024)
		m.Accepted(1024)
		m.Mined(epoch, 1024)
		w.Connected(epoch, "192.0.2.1:4711", "cgminer/4.12")
		w.CameBy("0.0.0.0:3333")
		w.SetDifficulty(1024)
		w.Share(0, epoch, work.Accepted, 1024)
	}
	return b
}
