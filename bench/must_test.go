package bench

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"farmproxy/bench/pool"
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

func mustJSON(t *testing.T, line string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), into); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

func mustPool(t *testing.T, change func(*pool.Options)) *pool.Pool {
	t.Helper()
	o := pool.DefaultOptions()
	if change != nil {
		change(&o)
	}
	p, err := pool.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func wantText(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
}
