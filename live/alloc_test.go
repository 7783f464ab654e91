//go:build !race

package live

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"
)

// farmOf returns a feed of so many workers.
func farmOf(workers int) *Feed {
	b := &books{workers: make(map[string]*Worker)}
	for i := range workers {
		b.worker(fmt.Sprintf("account.hall%d-r%02d-%02d", i/1000, i/20%50, i%20))
	}
	return NewFeed(b)
}

// A tick makes nothing for a worker of which there is nothing to tell: it happens every two
// seconds.
func TestATickAllocatesNothingForAWorker(t *testing.T) {
	tick := func(workers int) float64 {
		f := farmOf(workers)
		p, _ := f.Open(noon, "")
		<-p.Events()
		return testing.AllocsPerRun(10, func() {
			f.Tick(noon)
			<-p.Events()
		})
	}
	if few, many := tick(1), tick(1000); many > few {
		t.Errorf("%v allocations for 1,000 workers, %v for one", many, few)
	}
}

// A page that opens takes the memory of its first event and hardly more, freed or not, and
// those that open beside it take none.
func TestMemoryOfAPageThatOpens(t *testing.T) {
	const workers = 10_000
	f := farmOf(workers)
	f.look(noon, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		p, _ := f.Open(noon, "")
		<-p.Events()
		defer p.Close()
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > workers*rowSize*5/4 {
		t.Errorf("%d bytes were allocated, want %d for everything", took, workers*rowSize)
	}
}

// What is kept of each worker once a page was open stays small.
func TestWhatWasToldStaysSmall(t *testing.T) {
	if size := unsafe.Sizeof(told{}); size > 48 {
		t.Errorf("%d bytes are kept of a worker, want at most 48", size)
	}
}
