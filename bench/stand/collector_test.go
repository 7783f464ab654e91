package stand

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestWithoutCollector(t *testing.T) {
	const before = 120
	defer debug.SetGCPercent(debug.SetGCPercent(before))
	limit := debug.SetMemoryLimit(-1)

	const size = 64 << 20
	resume := WithoutCollector(size / shareBytes)
	wantCollector(t, -1, loadMemory)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapIdle-m.HeapReleased < size {
		t.Errorf("%d bytes are ready for the load, want %d", m.HeapIdle-m.HeapReleased, size)
	}
	touch(size) // otherwise more than enough for a collection
	if n, _ := collections(); n != m.NumGC {
		t.Errorf("%d collections while the collector was off", n-m.NumGC)
	}

	another := WithoutCollector(0)
	resume()
	wantCollector(t, -1, loadMemory)
	another()
	wantCollector(t, before, limit)

	defer debug.SetMemoryLimit(debug.SetMemoryLimit(loadMemory / 2))
	resume = WithoutCollector(0)
	wantCollector(t, -1, loadMemory/2) // the operator's, who knows the machine
	resume()
	wantCollector(t, before, loadMemory/2)
}
