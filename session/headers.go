package session

import (
	"math/bits"
	"unsafe"
)

const (
	// usualSlots is the size of the table from a miner's first share on: 256 bytes, 28
	// headers. That is enough for six shares a minute with a job every 30 or 60 s, so
	// such a miner causes one allocation in its life. Larger tables are swept at each
	// job, and shrunk when they no longer need the space.
	usualSlots = 32

	// maxSlots bounds the headers of one miner: 64 kB, 7,168 headers. A pool's jobs
	// are some 30 s apart, so that is room for 100 shares per second for over a
	// minute. A miner finds that many until its first difficulty is adjusted, or if
	// its own pool sets it far too low.
	maxSlots = 1 << 13

	// maxAgentSlots is the same for all miners of one agent together: 16 MB, 28
	// headers for each of 65,535.
	maxAgentSlots = 1 << 21
)

// headers remembers the headers accepted from one miner on one lane: forwarded, or
// answered here. It decides what is a duplicate.
//
// Two rules ensure that no header is accepted twice: every accepted header is in
// slots; and when one is dropped to make room, its work can't be answered any more
// (from). Dropped headers are of works that the miner can't answer anyway, or that
// were replaced long ago. If there are none, the next share is rejected: it would be
// accepted without being remembered.
//
// It belongs to the prefix, whose miner alone can find these headers, not to the
// connection: it is parked and resumed with the session, and an agent keeps that of a
// miner that it unregisters. No pointer in it is shared.
type headers struct {
	table  *uint64 // the first of slots; nil: there are none
	lane   uint32  // Feed.Lane
	from   uint32  // works with lower numbers can't be answered: headers accepted for them may be forgotten
	newest uint32  // the highest work number in slots
	size   uint16  // the number of slots
	used   uint16
}

// slots is a hash table with open addressing. The upper bits of a slot are the
// fingerprint, the lower ones the low bits of its work's number; 0 is a free slot.
//
// The table is kept without the capacity and the upper bits of its length: a slice would
// take 16 bytes more of each miner.
func (h *headers) slots() []uint64 { return unsafe.Slice(h.table, h.size) }

func (h *headers) setSlots(slots []uint64) {
	h.table, h.size = unsafe.SliceData(slots), uint16(len(slots))
}

// workBits are the bits of a slot that hold the work's number. They leave 48 for the
// fingerprint: among 28 headers, one share in 10^13 is mistaken for another.
const workBits = 1<<16 - 1

// fingerprint identifies a header: it returns bits of its hash that are not zero even
// in a block's.
func fingerprint(hash *[32]byte) uint64 {
	f := uint64(hash[0]) | uint64(hash[1])<<8 | uint64(hash[2])<<16 | uint64(hash[3])<<24 | uint64(hash[4])<<32 | uint64(hash[5])<<40
	return max(f, 1) << 16 // 0 would be a free slot
}

// has reports whether a header is remembered.
func (h *headers) has(fingerprint uint64) bool {
	slots := h.slots()
	if len(slots) == 0 {
		return false
	}
	for at := h.home(fingerprint); slots[at] != 0; at = h.after(at) {
		if slots[at]&^workBits == fingerprint {
			return true
		}
	}
	return false
}

// put remembers a header and its work. There must be room.
func (h *headers) put(fingerprint uint64, number uint32) {
	h.newest = max(h.newest, number)
	h.used++
	h.insert(fingerprint | uint64(number)&workBits)
}

func (h *headers) insert(slot uint64) {
	slots, at := h.slots(), h.home(slot)
	for slots[at] != 0 {
		at = h.after(at)
	}
	slots[at] = slot
}

// home is where the search for a slot starts, regardless of its work.
func (h *headers) home(slot uint64) int {
	at, _ := bits.Mul64(slot&^workBits, uint64(h.size))
	return int(at)
}

func (h *headers) after(at int) int {
	if at++; at == int(h.size) {
		return 0
	}
	return at
}

// full reports whether there is no room: an eighth of the slots stays free, to keep
// searches short.
func (h *headers) full() bool { return h.used >= h.size-h.size/8 }

// crowded reports whether room is about to run out.
func (h *headers) crowded() bool { return h.used >= h.size-h.size/4 }

// sweep drops the headers of works before the given one.
func (h *headers) sweep(oldest uint32) {
	slots := h.slots()
	for at := 0; at < len(slots); {
		if slots[at] != 0 && h.numberOf(slots[at]) < oldest {
			h.from = max(h.from, h.numberOf(slots[at])+1)
			h.remove(at) // and look at the slot that takes its place
		} else {
			at++
		}
	}
}

// numberOf returns the number of a slot's work. A work 65,536 or more back is mistaken
// for a later one: its header merely stays longer.
func (h *headers) numberOf(slot uint64) uint32 {
	return h.newest - uint32(uint16(h.newest)-uint16(slot&workBits))
}

// remove empties a slot, and moves up slots that could otherwise no longer be found.
func (h *headers) remove(hole int) {
	h.used--
	slots := h.slots()
	for at := h.after(hole); slots[at] != 0; at = h.after(at) {
		home := h.home(slots[at])
		if hole <= at && hole < home && home <= at || hole > at && (hole < home || home <= at) {
			continue // still reachable from its home
		}
		slots[hole] = slots[at]
		hole = at
	}
	slots[hole] = 0
}

// grow allocates more slots, at most room of them; false if it can't.
func (h *headers) grow(room int) bool {
	n := usualSlots
	if now := int(h.size); now&(now-1) != 0 {
		n = now / 3 * 4
	} else if now > 0 {
		n = now / 2 * 3 // 32, 48, 64, 96: the allocator has these sizes
	}
	if n > maxSlots || n-int(h.size) > room {
		return false
	}
	h.resize(n)
	return true
}

// shrink frees slots that are not needed.
func (h *headers) shrink() {
	n := int(h.size)
	for n/2 >= usualSlots && int(h.used) < n/4 {
		n /= 2
	}
	if n < int(h.size) {
		h.resize(n)
	}
}

func (h *headers) resize(n int) {
	old := h.slots()
	h.setSlots(make([]uint64, n))
	for _, slot := range old {
		if slot != 0 {
			h.insert(slot)
		}
	}
}
