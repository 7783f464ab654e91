package proof

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// Algorithm is what a pool and its miners hash headers with. Headers are built the same
// way for all algorithms; only the last step differs.
type Algorithm struct {
	Name string // farmproxy's name for it

	// Divider defines what difficulty means: a share of difficulty d counts as d /
	// Divider shares of difficulty 1, each of which is 2^32 hashes. It is a power of
	// two, so that division is exact.
	Divider float64
	Hash    func(header []byte) Hash
	Tries   int // most hashes that a miner tries for one share: a second's worth
}

// The algorithms of pools and fleets.
var (
	SHA256d = &Algorithm{"sha256d", 1, func(header []byte) Hash { return DoubleSHA256(header) }, 1 << 22}
	Scrypt  = &Algorithm{"scrypt", 1 << 16, scrypt1024, 1 << 11}
	// Unchecked has the name of an algorithm that farmproxy lists but can't compute.
	// Its hash is made up: only pool and fleet have to agree on it.
	Unchecked = &Algorithm{"x11", 1, reversed, 1 << 22}
)

// Algorithms lists all of them.
var Algorithms = []*Algorithm{SHA256d, Scrypt, Unchecked}

// LookupAlgorithm finds the algorithm that a flag names.
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

// One converts a difficulty of the algorithm's pools to shares of difficulty 1.
func (a *Algorithm) One(difficulty float64) float64 { return difficulty / a.Divider }

// Easy returns a difficulty at which a share takes at most about a millisecond, so that
// there are many verdicts.
func (a *Algorithm) Easy() float64 {
	if a == Scrypt {
		return 1.0 / (1 << 15) // two hashes
	}
	return EasyDifficulty
}

// scrypt1024 is Litecoin's scrypt: N=1024, r=1, p=1, with the header as the salt. 0.4
// ms.
func scrypt1024(header []byte) Hash {
	sum, err := scrypt.Key(header, header, 1024, 1, 1, len(Hash{}))
	if err != nil {
		panic("bench: scrypt: " + err.Error()) // its parameters are constants
	}
	return Hash(sum)
}

// reversed is the sha256d of the reversed header.
func reversed(header []byte) Hash {
	backwards := slices.Clone(header)
	slices.Reverse(backwards)
	return DoubleSHA256(backwards)
}
