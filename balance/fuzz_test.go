package balance

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// bytes are what a State of the fuzzer is made of.
type bytes []byte

func (b *bytes) next() byte {
	if len(*b) == 0 {
		return 0
	}
	x := (*b)[0]
	*b = (*b)[1:]
	return x
}

// rate is often ordinary, and may be anything.
func (b *bytes) rate() float64 {
	switch kind := b.next(); {
	case kind < 200:
		return float64(kind)
	case len(*b) >= 8:
		x := math.Float64frombits(binary.LittleEndian.Uint64(*b))
		*b = (*b)[8:]
		return x
	default:
		return 0
	}
}

// Whatever a route is like, Plan breaks no promise (checkMoves), moves nobody where all
// is well, and ends.
func FuzzPlan(f *testing.F) {
	f.Add([]byte("\x02\x46\x01\x00\x1e\x01\x00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
	f.Add([]byte("\x03\x46\x01\x10\x1e\x01\x20\x00\x01\x00bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := bytes(data)
		s := State{}
		for range 1 + b.next()%5 {
			s.Goals = append(s.Goals, Goal{Wish: b.rate(), Open: b.next()%4 > 0, Owed: float64(int8(b.next())) * 100})
		}
		for len(b) > 0 {
			what := b.next()
			m := Miner{
				ID: uint64(len(s.Miners)), Goal: int(what) % len(s.Goals), Pinned: NoPin,
				Rate: b.rate(), Share: b.rate(), Rested: time.Duration(b.next()) * 10 * time.Second,
				Fits: uint64(b.next()), Fixed: what > 240,
			}
			if what > 200 {
				m.Pinned = int(b.next()) % 6
			}
			s.Miners = append(s.Miners, m)
		}
		moves := Plan(s)
		checkMoves(t, s, moves)
	})
}
