package session

import "slices"

// Headers are the headers accepted from a miner, on its lane and on those that it
// left: see headers and left. They change hands, and are never shared.
type Headers struct {
	headers headers
	left    *left // nil: it never left a lane
}

// memory is Headers under another name, for Session to embed: Session has a method
// Headers.
type memory = Headers

// Headers returns the miner's headers. The session must not be used any more.
func (s *Session) Headers() Headers { return s.memory }

// Slots returns the number of slots, which bounds the memory of parked sessions.
func (m *Headers) Slots() int { return int(m.headers.size) + m.left.slots() }

// headersVersion is the version of Headers.layout: raise it with each change of the
// layout.
const headersVersion = 1

// Append encodes the headers: some 200 bytes for a typical miner, 115 kB at most.
func (m *Headers) Append(dst []byte) []byte {
	c := cursor{data: dst}
	m.layout(&c)
	return c.data
}

// DecodeHeaders decodes what Append encoded, and returns the rest of data.
func DecodeHeaders(data []byte) (m Headers, rest []byte, err error) {
	c := cursor{data: data, reading: true}
	if m.layout(&c); c.err != nil {
		return Headers{}, nil, c.err
	}
	return m, c.data, nil
}

// layout encodes or decodes headers.
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

// layout encodes or decodes the headers of one lane: the size of the table, and its
// slots in ascending order.
func (h *headers) layout(c *cursor) {
	number(c, &h.lane)
	number(c, &h.from)
	number(c, &h.newest)
	size := c.count(int(h.size), maxSlots)
	used := c.count(int(h.used), size-size/8)
	if c.reading {
		h.read(c, size, used)
		return
	}
	list := make([]uint64, 0, used)
	for _, slot := range h.slots() {
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
	c.check(size == 0 || size >= usualSlots && (size&(size-1) == 0 || size%3 == 0 && size/3&(size/3-1) == 0), "a memory of a size that there is not")
	c.check(len(c.data) >= 8*used, "an end before its last byte")
	if c.err != nil || size == 0 {
		return
	}
	h.setSlots(make([]uint64, size))
	h.used = uint16(used)
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

// renumber adds higher to the numbers of all works.
func (h *headers) renumber(higher uint32) {
	h.from += higher
	h.newest += higher
	slots := h.slots()
	for at, slot := range slots {
		if slot != 0 {
			slots[at] = slot&^workBits | (slot+uint64(higher))&workBits
		}
	}
}
