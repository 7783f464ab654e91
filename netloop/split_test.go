package netloop

import (
	"math"
	"testing"
	"time"
	"unsafe"
)

// The table of split miners has so many bytes for each; docs/architecture.md says so too.
func TestTheMemoryOfASplitMiner(t *testing.T) {
	if n := unsafe.Sizeof(splitMiner{}); n > 72 {
		t.Errorf("%d bytes", n)
	}
}

// A miner's estimated work per second is right from its first shares on, however long it has
// been there, and follows it when it changes.
func TestTheRateOfAMiner(t *testing.T) {
	var m splitMiner
	now := time.Duration(0)
	mine := func(shares int, every time.Duration, work float64) {
		for range shares {
			now += every
			m.age(now)
			m.mined(work)
		}
	}
	near := func(what string, want float64) {
		t.Helper()
		if got := m.rate(); math.Abs(got-want) > want/50 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	mine(1, 10*time.Second, 1000)
	near("after its first share", 0)
	mine(9, 10*time.Second, 1000)
	near("after ten shares", 100)
	mine(1000, 10*time.Second, 1000)
	near("hours later", 100)
	mine(2000, 10*time.Second, 500)
	near("with half of the boards", 50)
	m.here, m.since, m.moved = true, now-time.Hour, now-time.Minute
	i := m.image(now)
	next := i.restore(time.Second)
	if *next != (splitMiner{here: true, since: time.Second - time.Hour, moved: time.Second - time.Minute, looked: time.Second, work: m.work, weight: m.weight, shares: m.shares}) {
		t.Errorf("it is handed over as %+v, from %+v", next, m)
	}
}
