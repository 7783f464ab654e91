package upstream

import (
	"testing"

	"farmproxy/work"
)

// What a stall made of an epoch's queue goes when the stall is over.
func TestQueueGivesMemoryBack(t *testing.T) {
	e := newEpoch(&pool{}, "", nil, 8, work.Layout{})
	for i := range uint32(maxQueue + 1) {
		equal(t, "room", e.add(&Share{Nonce: i}) == queued, i < maxQueue)
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
