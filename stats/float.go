package stats

import (
	"math"
	"sync/atomic"
)

// atomicFloat is a float64 that any goroutine may add to and read.
type atomicFloat struct{ bits atomic.Uint64 }

// Load returns the value.
func (f *atomicFloat) Load() float64 { return math.Float64frombits(f.bits.Load()) }

// Store replaces the value.
func (f *atomicFloat) Store(v float64) { f.bits.Store(math.Float64bits(v)) }

// Add adds v.
func (f *atomicFloat) Add(v float64) {
	for {
		old := f.bits.Load()
		if f.bits.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}
