package upstream

import "time"

const (
	// minInflight is the window that a link begins with: enough for one miner.
	minInflight = 4

	// maxInflight bounds the window of request ids from the oldest one that is
	// not answered to the newest. Where it is reached no more are written: shares
	// then fill the epoch's queue, and then Lane.Submit says no.
	maxInflight = 1 << 15

	// keptInflight is the size that a ring keeps however few are in flight: a farm
	// of 100,000 miners at six shares a minute has 1,000 at a pool that is 100 ms
	// away. What a stall has made it grow to, of the pool or of this machine, up to
	// 4 MB, is given back.
	keptInflight = 1 << 10
)

// inflight holds the shares that were sent and not yet answered. Request ids
// of a link increase one by one, so a ring indexed by id finds each in one
// step, in whatever order the answers come. It is its link's driver's.
//
// The ring doubles when it is full, and gives back what is too much when less than
// an eighth is in use.
type inflight struct {
	ring []sent // a power of two
	low  uint64 // the oldest id that may be there
	high uint64 // the next id
	n    int

	answered uint64 // the highest id that the pool has answered
}

// sent is one share in flight.
type sent struct {
	id    uint64 // 0: the slot is free
	at    time.Time
	share Share
}

// room returns how many more ids can be taken; negative where the last shares
// took two, with one for their worker's name.
func (f *inflight) room() int { return maxInflight - int(f.high-f.low) }

// begin sets the id that comes first.
func (f *inflight) begin(id uint64) { f.low, f.high = id, id }

// skip takes an id for a request that is no share.
func (f *inflight) skip() (id uint64) {
	id = f.high
	f.high++
	if f.n == 0 {
		f.low = f.high
	}
	return id
}

// put takes the next id for a share. The caller has seen that there is room.
func (f *inflight) put(s *Share, now time.Time) (id uint64) {
	if f.n == 0 {
		f.low = f.high
	}
	if int(f.high-f.low) >= len(f.ring) {
		f.resize(minInflight)
	}
	id = f.high
	slot := &f.ring[id&uint64(len(f.ring)-1)]
	slot.id, slot.at, slot.share = id, now, *s
	f.high++
	f.n++
	return id
}

// resize makes the ring large enough for twice the window, and no smaller than
// least.
func (f *inflight) resize(least int) {
	size := least
	for size < 2*int(f.high-f.low) {
		size *= 2
	}
	ring := make([]sent, size)
	for _, s := range f.ring {
		if s.id != 0 {
			ring[s.id&uint64(size-1)] = s
		}
	}
	f.ring = ring
}

// answer is remove for a share that the pool has answered.
func (f *inflight) answer(id uint64) (s sent, ok bool) {
	if s, ok = f.remove(id); ok {
		f.answered = max(f.answered, id)
	}
	return s, ok
}

// overdue returns the oldest share if it was sent by then, and whether the pool
// has answered a later one: it does answer, but not this one.
func (f *inflight) overdue(by time.Time) (id uint64, passed, ok bool) {
	if f.n == 0 || f.ring[f.low&uint64(len(f.ring)-1)].at.After(by) {
		return 0, false, false
	}
	return f.low, f.answered > f.low, true
}

// remove returns the share that was sent with id; false for any other id.
func (f *inflight) remove(id uint64) (s sent, ok bool) {
	if id < f.low || id >= f.high || len(f.ring) == 0 {
		return s, false
	}
	slot := &f.ring[id&uint64(len(f.ring)-1)]
	if slot.id != id {
		return s, false
	}
	s = *slot
	*slot = sent{}
	f.n--
	f.advance()
	return s, true
}

// advance moves the low end up to the oldest share.
func (f *inflight) advance() {
	if f.n == 0 {
		f.low = f.high
	} else {
		for f.ring[f.low&uint64(len(f.ring)-1)].id != f.low {
			f.low++
		}
	}
	if len(f.ring) > keptInflight && int(f.high-f.low) < len(f.ring)/8 {
		f.resize(keptInflight)
	}
}

// inOrder returns all shares in the order they were sent.
func (f *inflight) inOrder() (list []*sent) {
	for id := f.low; id < f.high && len(list) < f.n; id++ {
		if s := &f.ring[id&uint64(len(f.ring)-1)]; s.id == id {
			list = append(list, s)
		}
	}
	return list
}

// drain appends all shares in the order they were sent, and forgets them.
func (f *inflight) drain(dst []Share) []Share {
	for id := f.low; id < f.high && f.n > 0; id++ {
		if s, ok := f.remove(id); ok {
			dst = append(dst, s.share)
		}
	}
	return dst
}
