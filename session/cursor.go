package session

import (
	"fmt"
	"math"
	"unsafe"
)

// cursor encodes values one after the other, or decodes them, so that each layout is
// written down once. Numbers are little-endian. After an error, everything decoded is
// zero.
type cursor struct {
	data    []byte // encoded so far, or not yet decoded
	reading bool
	err     error
}

// VersionError reports data encoded by a farmproxy with another version of the layout.
type VersionError struct {
	Part          string
	Version, Want uint16
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has version %d, expected %d: it was written by another version of farmproxy, and its miner has to connect again", e.Part, e.Version, e.Want)
}

// version starts a part.
func (c *cursor) version(part string, version uint16) {
	v := version
	if number(c, &v); v != version && c.err == nil {
		c.err = &VersionError{part, v, version}
	}
}

// check fails decoding if the data can't have been encoded by us.
func (c *cursor) check(ok bool, what string) {
	if !ok && c.reading && c.err == nil {
		c.err = fmt.Errorf("a session is damaged: it has %s, and its miner has to connect again", what)
	}
}

// next returns the next n bytes, to fill or to read.
func (c *cursor) next(n int) []byte {
	if !c.reading {
		at := len(c.data)
		c.data = append(c.data, make([]byte, n)...)
		return c.data[at:]
	}
	if c.check(len(c.data) >= n, "an end before its last byte"); c.err != nil {
		return make([]byte, n)
	}
	b := c.data[:n:n]
	c.data = c.data[n:]
	return b
}

func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int64](c *cursor, v *T) {
	b := c.next(int(unsafe.Sizeof(*v)))
	if !c.reading {
		for i := range b {
			b[i] = byte(uint64(*v) >> (8 * i))
		}
		return
	}
	var u uint64
	for i := range b {
		u |= uint64(b[i]) << (8 * i)
	}
	*v = T(u)
}

func (c *cursor) float64(v *float64) {
	u := math.Float64bits(*v)
	number(c, &u)
	*v = math.Float64frombits(u)
	c.check(!math.IsNaN(*v), "a number that is none")
}

func (c *cursor) float32(v *float32) {
	u := math.Float32bits(*v)
	number(c, &u)
	*v = math.Float32frombits(u)
	c.check(*v == *v, "a number that is none")
}

func (c *cursor) bool(v *bool) {
	var u uint8
	if *v {
		u = 1
	}
	number(c, &u)
	c.check(u <= 1, "a yes or no that is neither")
	*v = u == 1
}

// bytes encodes or decodes a field of fixed length.
func (c *cursor) bytes(v []byte) {
	if b := c.next(len(v)); c.reading {
		copy(v, b)
	} else {
		copy(b, v)
	}
}

// count encodes n, the number of items that follow, or decodes it. At most max.
func (c *cursor) count(n, max int) int {
	u := uint32(n)
	number(c, &u)
	if c.check(u <= uint32(max), "more than there can be"); c.err != nil {
		return 0
	}
	return int(u)
}

func (c *cursor) text(v *string, max int) {
	b := c.next(c.count(len(*v), max))
	if c.reading {
		*v = string(b)
	} else {
		copy(b, *v)
	}
}
