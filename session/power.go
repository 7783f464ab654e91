package session

import (
	"math"

	"farmproxy/work"
)

// power is a power of two in 2 bytes, within the range of a float32: by how much its
// exponent exceeds noPower. 0 is none.
type power int16

const (
	noPower    = -150
	leastPower = math.SmallestNonzeroFloat32 // 1 << (noPower + 1)
	mostPower  = 1 << 127
)

// powerOf returns the lowest power that is at least d: a requested difficulty is a
// minimum.
func powerOf(d float64) power {
	if d <= 0 {
		return 0
	}
	return power(math.Ilogb(work.CeilPowerOfTwo(min(max(d, leastPower), mostPower))) - noPower)
}

// value returns 0 for none.
func (p power) value() float64 {
	if p == 0 {
		return 0
	}
	return math.Ldexp(1, noPower+int(p))
}

// layout encodes or decodes a power as a number of 4 bytes.
func (p *power) layout(c *cursor) {
	d := float32(p.value())
	c.float32(&d)
	*p = powerOf(float64(d))
}
