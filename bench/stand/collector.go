package stand

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// What the harness may take while its collector is off.
const (
	loadMemory = 2 << 30 // beyond it the collector runs again: a machine of 4 GB must do
	shareBytes = 2 << 10 // of a share, pool and miner together: measured 1.2 to 1.5 kB
	touchMost  = 1 << 30 // the rest of loadMemory is for what was there before
)

// collector is what it was like before the loads that are under way. They may
// overlap, as they do in tests: the first one switches it off, the last one on.
var collector struct {
	sync.Mutex
	loads   int
	percent int
	limit   int64
}

// WithoutCollector switches the harness's own collector off until resume is
// called: at 20,000 shares a second it took 100 ms of each second, on the cores
// that the proxy is measured on, and the slow round trips were those. The memory
// for so many shares is used once before: the first use of each page is slow,
// above all on a virtual machine.
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
	runtime.GC() // what was touched is free now, and still the runtime's
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
