package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
)

// Number formats d as JSON: whole numbers without a fraction, as firmware expects.
func Number(d float64) string {
	if d == float64(int64(d)) {
		return strconv.FormatInt(int64(d), 10)
	}
	return strconv.FormatFloat(d, 'g', -1, 64)
}

// EasyDifficulty takes 256 hashes per share: a CPU finds thousands a second.
const EasyDifficulty = 1.0 / (1 << 24)

// ValidDifficulty reports whether a share can have that difficulty.
func ValidDifficulty(d float64) bool { return d > 0 && !math.IsInf(d, 0) && !math.IsNaN(d) }

// Hash is a block header's hash in the function's byte order: a little-endian number.
// String returns the usual big-endian form.
type Hash [32]byte

// String returns the hash as explorers write it: big-endian.
func (h Hash) String() string {
	big := h.bigEndian()
	return hex.EncodeToString(big[:])
}

func (h Hash) bigEndian() (b [32]byte) {
	for i := range h {
		b[31-i] = h[i]
	}
	return b
}

// Difficulty returns the highest difficulty that the hash meets, in shares of
// difficulty 1.
func (h Hash) Difficulty() float64 {
	b := h.bigEndian()
	n := new(big.Float).SetInt(new(big.Int).SetBytes(b[:]))
	d, _ := new(big.Float).Quo(new(big.Float).SetInt(difficulty1), n).Float64()
	return d
}

// difficulty1 is the target of difficulty 1: 0xffff * 2^208.
var difficulty1 = new(big.Int).Lsh(big.NewInt(0xffff), 208)

// Target is the highest hash that still meets a difficulty, as a big-endian number.
type Target [32]byte

// TargetOf returns the exact target of difficulty d at divider 1; if every hash meets
// d, the highest possible one.
func TargetOf(d float64) (t Target) {
	q := new(big.Rat).Quo(new(big.Rat).SetInt(difficulty1), new(big.Rat).SetFloat64(d))
	n := new(big.Int).Quo(q.Num(), q.Denom())
	if n.BitLen() > 8*len(t) {
		return Target(bytes.Repeat([]byte{0xff}, len(t)))
	}
	n.FillBytes(t[:])
	return t
}

// Meets reports whether h is at or below t.
func (h Hash) Meets(t Target) bool {
	b := h.bigEndian()
	return bytes.Compare(b[:], t[:]) <= 0
}

// DoubleSHA256 is the hash function of Bitcoin's headers and merkle trees.
func DoubleSHA256(b []byte) [32]byte {
	once := sha256.Sum256(b)
	return sha256.Sum256(once[:])
}
