package bench

import (
	"encoding/hex"
	"testing"
)

// TestScryptOfARealBlock is Litecoin's first block, and the hash that its
// explorers give as proof of work.
func TestScryptOfARealBlock(t *testing.T) {
	header, err := hex.DecodeString("01000000" + "0000000000000000000000000000000000000000000000000000000000000000" +
		"d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97" + "b9aa8e4ef0ff0f1ecd513f7c")
	if err != nil {
		t.Fatal(err)
	}
	const want = "0000050c34a64b415b6b15b37f2216634b5b1669cb9a2e38d76f7213b0671e00"
	if got := Scrypt.hash(header).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPoolAndFleetAgreeOnEachAlgorithm(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(algorithm.Name, func(t *testing.T) {
			t.Parallel()
			p := mustPool(t, func(o *PoolOptions) { o.Algorithm, o.Difficulty = algorithm, algorithm.easy() })
			f := mustFleet(t, p.Addr(), func(o *FleetOptions) { o.Miners, o.Rate, o.Algorithm = 5, 100, algorithm })
			wantSoon(t, "20 shares", func() bool { return f.Books().Total().Accepted >= 20 })
			settle(t, f)
			fleet, pool := f.Books().Total(), p.Books().Total()
			if fleet.Refused > 0 || pool.Accepted != fleet.Accepted {
				t.Errorf("the fleet has %+v, the pool %+v", fleet, pool)
			}
			if want := float64(pool.Accepted) * algorithm.one(algorithm.easy()); off(pool.Work, want) > 1e-9 {
				t.Errorf("%g work on the pool's books, want %g", pool.Work, want)
			}
			if sum := f.sumWork(); off(sum, pool.Work) > 1e-9 {
				t.Errorf("%g work on the fleet's books, %g on the pool's", sum, pool.Work)
			}
		})
	}
}

// sumWork is what the accepted shares count.
func (f *Fleet) sumWork() (sum float64) {
	shares, _ := f.books.Shares()
	for _, s := range shares {
		if s.Accepted() {
			sum += s.Work
		}
	}
	return sum
}

// A share of one algorithm is none of another.
func TestPoolOfAnotherAlgorithmRefuses(t *testing.T) {
	f := func(pool, fleet *Algorithm) {
		t.Helper()
		t.Run(fleet.Name+" at "+pool.Name, func(t *testing.T) {
			t.Parallel()
			p := mustPool(t, func(o *PoolOptions) { o.Algorithm = pool }) // one share in 256 is right by chance
			m := mustFleet(t, p.Addr(), func(o *FleetOptions) { o.Miners, o.Rate, o.Algorithm = 2, 100, fleet })
			wantSoon(t, "10 refusals", func() bool { return m.Books().Total().Refused >= 10 })
			if total := m.Books().Total(); total.Accepted > total.Refused {
				t.Errorf("accepted: %+v", total)
			}
		})
	}
	f(SHA256d, Unchecked)
	f(Unchecked, SHA256d)
}
