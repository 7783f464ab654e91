package session

import "slices"

// Headers is what a miner has handed in, on the lane that it is on and on those that it
// left: see headers and left. It is handed out and taken over, never shared.
type Headers struct {
	headers headers
	left    *left // nil: it never left a lane
}

// memory is Headers in a Session, which has a method of that name.
type memory = Headers

// Headers returns what the miner has handed in. The session is not to be used any more.
func (s *Session) Headers() Headers { return s.memory }

// Slots returns how many headers there is room for: what bounds the memory that parked
// sessions take.
func (m *Headers) Slots() int { return len(m.headers.slots) + m.left.slots() }

// headersVersion is that of Headers.layout. Who changes the layout raises it.
const headersVersion = 1

// Append writes the headers out: some 200 bytes for a usual miner, 115 kB at most.
func (m *Headers) Append(dst []byte) []byte {
	c := cursor{data: dst}
	m.layout(&c)
	return c.data
}

// DecodeHeaders reads what Append wrote, and returns what follows it.
func DecodeHeaders(data []byte) (m Headers, rest []byte, err error) {
	c := cursor{data: data, reading: true}
	if m.layout(&c); c.err != nil {
		return Headers{}, nil, c.err
	}
	return m, c.data, nil
}

// layout is how headers are written out, and read.
func (m *Headers) layout(c *cursor) {
	c.version("memory of a session's headers", headersVersion)
	m.headers.layout(c)
	has := m.left != nil
	c.bool(&has)
	if !has {
		return
	}
	if c.reading {
		m.left = new(left)
	}
	l := m.left
	c.bool(&l.lost)
	n := c.count(len(l.lanes), maxLeft)
	if c.reading {
		l.lanes = make([]headers, n)
	}
	for i := range l.lanes {
		l.lanes[i].layout(c)
	}
	c.check(l.slots() <= maxSlots, "more headers than there can be")
}

// layout is how the headers of one lane are written out, and read: the size of the
// table, and what is in it, in ascending order.
func (h *headers) layout(c *cursor) {
	number(c, &h.lane)
	number(c, &h.from)
	number(c, &h.newest)
	size := c.count(len(h.slots), maxSlots)
	used := c.count(int(h.used), size-size/8)
	if c.reading {
		h.read(c, size, used)
		return
	}
	list := make([]uint64, 0, used)
	for _, slot := range h.slots {
		if slot != 0 {
			list = append(list, slot)
		}
	}
	slices.Sort(list)
	for i := range list {
		number(c, &list[i])
	}
}

func (h *headers) read(c *cursor, size, used int) {
	c.check(size == 0 || size >= firstSlots && (size&(size-1) == 0 || size%3 == 0 && size/3&(size/3-1) == 0), "a memory of a size that there is not")
	c.check(len(c.data) >= 8*used, "an end before its last byte")
	if c.err != nil || size == 0 {
		return
	}
	h.slots, h.used = make([]uint64, size), uint16(used)
	last := uint64(workBits)
	for range used {
		var slot uint64
		number(c, &slot)
		if c.check(slot > last, "headers out of order"); c.err != nil {
			return
		}
		h.insert(slot)
		last = slot | workBits
	}
}

// renumber makes works have higher numbers, by that much.
func (h *headers) renumber(higher uint32) {
	h.from += higher
	h.newest += higher
	for at, slot := range h.slots {
		if slot != 0 {
			h.slots[at] = slot&^workBits | (slot+uint64(higher))&workBits
		}
	}
}
