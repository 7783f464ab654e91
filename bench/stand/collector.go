package stand

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// Bounds on the harness's memory while its collector is off.
const (
	loadMemory = 2 << 30 // beyond it the collector runs again: a machine with 4 GB must suffice
	shareBytes = 2 << 10 // per share, pool and miner together: measured 1.2 to 1.5 kB
	touchMost  = 1 << 30 // the rest of loadMemory is for what was there before
)

// collector holds the settings from before the loads under way. Loads may overlap, as
// they do in tests: the first one switches it off, the last one on.
var collector struct {
	sync.Mutex
	loads   int
	percent int
	limit   int64
}

// WithoutCollector switches the harness's own collector off until resume is called: at
// 20,000 shares a second it took 100 ms of each second, on the cores where the proxy is
// measured, and caused the slow round trips. The memory for that many shares is touched
// once in advance: the first use of each page is slow, especially on a virtual machine.
func WithoutCollector(shares float64) (resume func()) {
	collector.Lock()
	defer collector.Unlock()
	if collector.loads == 0 {
		collector.percent = debug.SetGCPercent(-1)
		collector.limit = debug.SetMemoryLimit(-1)
		debug.SetMemoryLimit(min(collector.limit, loadMemory))
	}
	collector.loads++
	touch(int(min(shares*shareBytes, touchMost)))
	runtime.GC() // the touched memory is now free, but still the runtime's
	return func() {
		collector.Lock()
		defer collector.Unlock()
		if collector.loads--; collector.loads == 0 {
			debug.SetMemoryLimit(collector.limit)
			debug.SetGCPercent(collector.percent)
		}
	}
}

// touch uses that many bytes once.
func touch(size int) {
	memory := make([]byte, size)
	for i := 0; i < len(memory); i += os.Getpagesize() {
		memory[i] = 1
	}
}
