//go:build race

package dial

import (
	"os"
	"runtime"
	"testing"
)

// TestMain gives the tests one processor under the race detector. All timers of a
// testing/synctest bubble have one context of the detector's, and goroutines that
// run them at the same time, each in a select of its own, break it (go.dev/issue/78156):
// one run in thirty died of a segmentation fault or a CHECK in the runtime, or hung.
// The detector finds the same races: it looks at what is ordered, not at the clock.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}
