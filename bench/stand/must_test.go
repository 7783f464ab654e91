package stand

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
