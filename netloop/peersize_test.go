package netloop

import (
	"testing"
	"unsafe"
)

// A miner's memory is mostly its peer. Go allocates in sizes of 352, 384, 416 bytes here:
// one byte more than the first takes 32 of each of 10,000 miners.
func TestTheMemoryOfAPeer(t *testing.T) {
	if n := unsafe.Sizeof(peer{}); n > 352 {
		t.Errorf("a peer has %d bytes, at most 352: put what few miners need into rare", n)
	}
}
