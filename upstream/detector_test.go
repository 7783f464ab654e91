//go:build race

package upstream

import (
	"os"
	"runtime"
	"testing"
)

// TestMain gives the tests one processor under the race detector. All timers of a
// testing/synctest bubble share one context in the detector, and goroutines that run
// them at the same time, each in its own select, corrupt it (go.dev/issue/78156): one
// run in thirty died of a segmentation fault or a CHECK in the runtime, or hung. The
// detector still finds the same races, because it looks at ordering, not at the clock.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}
