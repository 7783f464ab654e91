package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
)

// Number is d as JSON: whole ones without a fraction, as firmware wants them.
func Number(d float64) string {
	if d == float64(int64(d)) {
		return strconv.FormatInt(int64(d), 10)
	}
	return strconv.FormatFloat(d, 'g', -1, 64)
}

// EasyDifficulty takes 256 hashes a share: a CPU finds thousands a second.
const EasyDifficulty = 1.0 / (1 << 24)

// ValidDifficulty says whether a share can have that difficulty.
func ValidDifficulty(d float64) bool { return d > 0 && !math.IsInf(d, 0) && !math.IsNaN(d) }

// Hash is that of a block header as it comes out of the function: a
// little-endian number. String is the usual big-endian form.
type Hash [32]byte

// String is the hash as explorers write it: big-endian.
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

// Difficulty is the highest difficulty that the hash meets, in shares of
// difficulty 1.
func (h Hash) Difficulty() float64 {
	b := h.bigEndian()
	n := new(big.Float).SetInt(new(big.Int).SetBytes(b[:]))
	d, _ := new(big.Float).Quo(new(big.Float).SetInt(difficulty1), n).Float64()
	return d
}

// difficulty1 is the target of difficulty 1: 0xffff * 2^208.
var difficulty1 = new(big.Int).Lsh(big.NewInt(0xffff), 208)

// Target is a hash as a big-endian number: the highest that still meets a
// difficulty.
type Target [32]byte

// TargetOf is that of difficulty d of divider 1, exactly; where every hash meets d
// it is the highest that there is.
func TargetOf(d float64) (t Target) {
	q := new(big.Rat).Quo(new(big.Rat).SetInt(difficulty1), new(big.Rat).SetFloat64(d))
	n := new(big.Int).Quo(q.Num(), q.Denom())
	if n.BitLen() > 8*len(t) {
		return Target(bytes.Repeat([]byte{0xff}, len(t)))
	}
	n.FillBytes(t[:])
	return t
}

// Meets says whether h is at or below t.
func (h Hash) Meets(t Target) bool {
	b := h.bigEndian()
	return bytes.Compare(b[:], t[:]) <= 0
}

// DoubleSHA256 is the function of Bitcoin's headers and merkle trees.
func DoubleSHA256(b []byte) [32]byte {
	once := sha256.Sum256(b)
	return sha256.Sum256(once[:])
}
