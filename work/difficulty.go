package work

import (
	"encoding/binary"
	"math"
)

// A difficulty is a float64, as sent by pools. A share of difficulty d takes d *
// HashesPerShare hashes on average.
//
// Comparing difficulties instead of 256-bit targets errs by at most 2^-52 of the
// target's size: one share in 10^15 would be judged differently.

// HashesPerShare is how many hashes a share of difficulty 1 takes on average.
const HashesPerShare = 1 << 32

// Unmeetable is the largest difficulty that makes sense: the whole Bitcoin network
// takes half a day for a share of it.
const Unmeetable = 1 << 53

// difficulty1 is the target of difficulty 1: 0xffff * 2^208.
var difficulty1 = math.Ldexp(0xffff, 208)

// Difficulty returns the highest difficulty that hash meets; hash is in the
// header's byte order, little-endian. +Inf for the zero hash.
func Difficulty(hash *[32]byte) float64 {
	v := float64(binary.LittleEndian.Uint64(hash[24:]))*0x1p192 +
		float64(binary.LittleEndian.Uint64(hash[16:]))*0x1p128 +
		float64(binary.LittleEndian.Uint64(hash[8:]))*0x1p64 +
		float64(binary.LittleEndian.Uint64(hash[:]))
	return difficulty1 / v
}

// NetworkDifficulty returns the difficulty of a block with the given compact target;
// +Inf if the target is zero or negative, which no hash meets.
func NetworkDifficulty(nbits uint32) float64 {
	mantissa := nbits & 0x7fffff
	if nbits&0x800000 != 0 {
		mantissa = 0
	}
	return difficulty1 / math.Ldexp(float64(mantissa), 8*(int(nbits>>24)-3))
}

// TargetDifficulty returns the difficulty of a 256-bit big-endian target, as in
// mining.suggest_target.
func TargetDifficulty(target *[32]byte) float64 {
	var hash [32]byte
	for i, b := range target {
		hash[31-i] = b
	}
	return Difficulty(&hash)
}

// FloorPowerOfTwo returns the largest power of two that is at most d, for d > 0; +Inf
// for +Inf. Miners only get powers of two: several firmwares misbehave with others.
func FloorPowerOfTwo(d float64) float64 {
	if math.IsInf(d, 1) {
		return d
	}
	_, exp := math.Frexp(d) // d = f * 2^exp, 0.5 <= f < 1
	return math.Ldexp(1, exp-1)
}

// CeilPowerOfTwo returns the smallest power of two that is at least d, for d > 0;
// +Inf beyond 2^1023.
func CeilPowerOfTwo(d float64) float64 {
	floor := FloorPowerOfTwo(d)
	if floor < d {
		return 2 * floor
	}
	return floor
}
