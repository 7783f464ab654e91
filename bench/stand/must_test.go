package stand

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// wantCollector checks the garbage collector's settings, without changing them.
func wantCollector(t *testing.T, percent int, limit int64) {
	t.Helper()
	is := debug.SetGCPercent(-1)
	debug.SetGCPercent(is)
	if isLimit := debug.SetMemoryLimit(-1); is != percent || isLimit != limit {
		t.Errorf("the collector is at %d %%, limit %d; want %d %%, %d", is, isLimit, percent, limit)
	}
}

// collections returns how many collections there were, and how many of them were
// forced.
func collections() (all, forced uint32) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC, m.NumForcedGC
}
