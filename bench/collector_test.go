package bench

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// wantCollector looks for how the collector is set; it leaves it so.
func wantCollector(t *testing.T, percent int, limit int64) {
	t.Helper()
	is := debug.SetGCPercent(-1)
	debug.SetGCPercent(is)
	if isLimit := debug.SetMemoryLimit(-1); is != percent || isLimit != limit {
		t.Errorf("the collector is at %d %%, limit %d; want %d %%, %d", is, isLimit, percent, limit)
	}
}

// collections are how many there were, and how many of them were asked for.
func collections() (all, forced uint32) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC, m.NumForcedGC
}

func TestWithoutCollector(t *testing.T) {
	const before = 120
	defer debug.SetGCPercent(debug.SetGCPercent(before))
	limit := debug.SetMemoryLimit(-1)

	const size = 64 << 20
	resume := withoutCollector(size / shareBytes)
	wantCollector(t, -1, loadMemory)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapIdle-m.HeapReleased < size {
		t.Errorf("%d bytes are ready for the load, want %d", m.HeapIdle-m.HeapReleased, size)
	}
	touch(size) // more than enough for a collection otherwise
	if n, _ := collections(); n != m.NumGC {
		t.Errorf("%d collections while the collector was off", n-m.NumGC)
	}

	another := withoutCollector(0)
	resume()
	wantCollector(t, -1, loadMemory)
	another()
	wantCollector(t, before, limit)

	defer debug.SetMemoryLimit(debug.SetMemoryLimit(loadMemory / 2))
	resume = withoutCollector(0)
	wantCollector(t, -1, loadMemory/2) // of the operator, who knows the machine
	resume()
	wantCollector(t, before, loadMemory/2)
}

func TestLoadsOfFloorAndProxyAreWithoutCollector(t *testing.T) {
	percent := debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	limit := debug.SetMemoryLimit(-1)
	_, before := collections()
	mustMain(t, exitOK, quick("floor", "-workers", "-rounds", "1")...)
	if _, after := collections(); after != before+2 {
		t.Errorf("%d collections before loads, want one of the floor's and one of the proxy's", after-before)
	}
	wantCollector(t, 100, limit)
}
