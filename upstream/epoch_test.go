package upstream

import (
	"testing"
	"unsafe"

	"farmproxy/work"
)

// The memory that a stall added to an epoch's queue is freed when the stall is over.
func TestQueueGivesMemoryBack(t *testing.T) {
	e := newEpoch(&pool{}, "", nil, 8, work.Layout{})
	for i := range uint32(maxQueue + 1) {
		equal(t, "room", e.add(&Share{Solution: work.Solution{Nonce: i}}) == queued, i < maxQueue)
	}
	var taken []Share
	for rest := 1; rest > 0; {
		taken, rest = e.take(taken, maxBatch)
	}
	equal(t, "taken", len(taken), maxQueue)
	for i := range taken {
		equal(t, "in order", taken[i].Nonce, uint32(i))
	}
	e.add(&Share{})
	if kept := cap(e.queue); kept > keptQueue {
		t.Errorf("room for %d stays", kept)
	}
}

// A miner that floods leaves room for all others, and so do many such miners.
func TestAQueueIsSharedFairly(t *testing.T) {
	f := func(name string, flooders, want int) {
		t.Helper()
		e := newEpoch(&pool{}, "", nil, 8, work.Layout{})
		waiting := make([]uint16, flooders)
		for more := true; more; {
			more = false
			for i := range waiting {
				if e.add(&Share{Before: waiting[i]}) == queued {
					waiting[i]++
					more = true
				}
			}
		}
		equal(t, name+": the most of one", int(waiting[0]), want)
		for range 10 {
			equal(t, name+": another miner", e.add(&Share{}), queued)
		}
	}
	f("one", 1, maxQueue/2)
	f("three", 3, maxQueue/4)
	f("a hundred", 100, maxQueue/101+1)
	f("a thousand", 1000, maxQueue/1001+1)
}

// A queue of an epoch, and a link's ring, hold thousands of shares by value.
func TestAShareIsSmall(t *testing.T) {
	equal(t, "bytes", unsafe.Sizeof(Share{}), 128)
}
