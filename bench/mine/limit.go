package mine

import (
	"encoding/binary"
	"math/big"

	"farmproxy/bench/proof"
)

// Limit is the highest hash that meets a difficulty: four 64-bit digits, most
// significant first.
type Limit [4]uint64

// NewLimit returns 0xffff * 2^208 / difficulty, rounded down, for a difficulty in
// shares of difficulty 1.
func NewLimit(difficulty float64) *Limit {
	q := new(big.Float).SetMantExp(big.NewFloat(0xffff), 208).SetPrec(512)
	q.Quo(q, new(big.Float).SetPrec(512).SetFloat64(difficulty))
	n, _ := q.Int(nil)
	if n.BitLen() > 256 {
		return &Limit{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
	}
	var b [32]byte
	n.FillBytes(b[:])
	var l Limit
	for i := range l {
		l[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return &l
}

func (l *Limit) met(h proof.Hash) bool {
	for i := range l {
		digit := binary.LittleEndian.Uint64(h[24-8*i:])
		if digit != l[i] {
			return digit < l[i]
		}
	}
	return true
}
