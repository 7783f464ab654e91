package fleet

import (
	"math"
	"testing"

	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
)

func TestPoolAndFleetAgreeOnEachAlgorithm(t *testing.T) {
	for _, algorithm := range proof.Algorithms {
		t.Run(algorithm.Name, func(t *testing.T) {
			t.Parallel()
			p := mustPool(t, func(o *pool.Options) { o.Algorithm, o.Difficulty = algorithm, algorithm.Easy() })
			f := mustFleet(t, p.Addr(), func(o *Options) { o.Miners, o.Rate, o.Algorithm = 5, 100, algorithm })
			wantSoon(t, "20 shares", func() bool { return f.Books().Total().Accepted >= 20 })
			settle(t, f)
			fleet, pool := f.Books().Total(), p.Books().Total()
			if fleet.Refused > 0 || pool.Accepted != fleet.Accepted {
				t.Errorf("the fleet has %+v, the pool %+v", fleet, pool)
			}
			if want := float64(pool.Accepted) * algorithm.One(algorithm.Easy()); math.Abs(pool.Work/want-1) > 1e-9 {
				t.Errorf("%g work on the pool's books, want %g", pool.Work, want)
			}
			if sum := f.sumWork(); math.Abs(sum/pool.Work-1) > 1e-9 {
				t.Errorf("%g work on the fleet's books, %g on the pool's", sum, pool.Work)
			}
		})
	}
}

// sumWork returns the work of the accepted shares.
func (f *Fleet) sumWork() (sum float64) {
	shares, _ := f.Books().Shares()
	for _, s := range shares {
		if s.Accepted() {
			sum += s.Work
		}
	}
	return sum
}

// A share of one algorithm is not a share of another.
func TestPoolOfAnotherAlgorithmRefuses(t *testing.T) {
	f := func(served, fleet *proof.Algorithm) {
		t.Helper()
		t.Run(fleet.Name+" at "+served.Name, func(t *testing.T) {
			t.Parallel()
			p := mustPool(t, func(o *pool.Options) { o.Algorithm = served }) // one share in 256 is right by chance
			m := mustFleet(t, p.Addr(), func(o *Options) { o.Miners, o.Rate, o.Algorithm = 2, 100, fleet })
			wantSoon(t, "10 refusals", func() bool { return m.Books().Total().Refused >= 10 })
			if total := m.Books().Total(); total.Accepted > total.Refused {
				t.Errorf("accepted: %+v", total)
			}
		})
	}
	f(proof.SHA256d, proof.Unchecked)
	f(proof.Unchecked, proof.SHA256d)
}
