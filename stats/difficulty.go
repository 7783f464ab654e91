package stats

import (
	"math"
	"strconv"
)

// difficulty is a difficulty in 4 bytes, since each worker has one: exact if it is a
// power of two or a whole number up to 2^24, as nearly all are, else to 7 digits.
type difficulty float32

// value returns the shortest number that the difficulty may have been: 0.1, not
// 0.10000000149.
func (d difficulty) value() float64 {
	x := float64(d)
	if fraction, _ := math.Frexp(x); fraction == 0.5 || x == math.Trunc(x) {
		return x
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', -1, 32), 64)
	return x
}
