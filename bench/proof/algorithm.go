package proof

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// Algorithm is what a pool and its miners hash headers with. Headers are built
// alike for all of them; only the last step differs.
type Algorithm struct {
	Name string // as farmproxy's registry calls it

	// divider says what difficulty means: a share of difficulty d counts
	// d / divider shares of difficulty 1, each 2^32 hashes. A power of two, so
	// that dividing by it is exact.
	Divider float64
	Hash    func(header []byte) Hash
	Tries   int // hashes that a miner tries for one share at the most: a second's
}

// The algorithms that pools and fleets know.
var (
	SHA256d = &Algorithm{"sha256d", 1, func(header []byte) Hash { return DoubleSHA256(header) }, 1 << 22}
	Scrypt  = &Algorithm{"scrypt", 1 << 16, scrypt1024, 1 << 11}
	// Unchecked goes by the name of an algorithm that farmproxy lists and can't
	// compute. Its hash is made up: only pool and fleet have to agree on it.
	Unchecked = &Algorithm{"x11", 1, reversed, 1 << 22}
)

// Algorithms are all of them.
var Algorithms = []*Algorithm{SHA256d, Scrypt, Unchecked}

// LookupAlgorithm is for flags.
func LookupAlgorithm(name string) (*Algorithm, error) {
	i := slices.IndexFunc(Algorithms, func(a *Algorithm) bool { return a.Name == name })
	if i < 0 {
		var known []string
		for _, a := range Algorithms {
			known = append(known, a.Name)
		}
		return nil, fmt.Errorf("want one of %s, got %q", strings.Join(known, ", "), name)
	}
	return Algorithms[i], nil
}

// One is a difficulty of the algorithm's pools in shares of difficulty 1.
func (a *Algorithm) One(difficulty float64) float64 { return difficulty / a.Divider }

// Easy is the difficulty at which a share takes about a millisecond and
// verdicts are many.
func (a *Algorithm) Easy() float64 {
	if a == Scrypt {
		return 1.0 / (1 << 15) // two hashes
	}
	return EasyDifficulty
}

// scrypt1024 is Litecoin's: N=1024, r=1, p=1, salted with the header. 0.4 ms.
func scrypt1024(header []byte) Hash {
	sum, err := scrypt.Key(header, header, 1024, 1, 1, len(Hash{}))
	if err != nil {
		panic("bench: scrypt: " + err.Error()) // its parameters are constants
	}
	return Hash(sum)
}

// reversed is the sha256d of the header read from its end.
func reversed(header []byte) Hash {
	backwards := slices.Clone(header)
	slices.Reverse(backwards)
	return DoubleSHA256(backwards)
}
