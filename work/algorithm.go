package work

import (
	"crypto/sha512"
	"fmt"
	"strings"

	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/scrypt"
	"golang.org/x/crypto/sha3"
)

// Algorithm is a proof of work for 80-byte headers whose coinbase and merkle branches
// are hashed with sha256d, as in Bitcoin; only the hash of the header differs. It is a
// value; a copy may have another Divider.
type Algorithm struct {
	// Name is the name that pools and miners use, in lower case.
	Name string
	// Divider defines the unit of difficulty: a share of difficulty d counts d /
	// Divider shares of difficulty 1, each HashesPerShare hashes. 1 for sha256d, 65536
	// for scrypt; always above 0.
	Divider float64
	// Hash returns the hash of a header, both in the header's byte order (that of
	// Checker.Header, little-endian). It retains nothing, and may be called from any
	// goroutine. nil: shares can't be checked here; only the pool gives a verdict.
	Hash func(header []byte) [32]byte
	// Slow says that Hash takes so long (tens of microseconds and more) that
	// it must not run on an event loop.
	Slow bool
}

// algorithms holds every algorithm whose shares can be checked. Each is verified
// against a real block in algorithm_test.go. The dividers are those of
// docs/algorithms.md.
var algorithms = map[string]Algorithm{
	"sha256d":    {Name: "sha256d", Divider: 1, Hash: sha256d},
	"scrypt":     {Name: "scrypt", Divider: 1 << 16, Hash: scrypt1024, Slow: true},
	"sha512256d": {Name: "sha512256d", Divider: 1, Hash: sha512256d},
	"blake2s":    {Name: "blake2s", Divider: 1, Hash: blake2s.Sum256},
	"keccakc":    {Name: "keccakc", Divider: 1 << 8, Hash: keccak256},
}

// SHA256d is Bitcoin's algorithm, and what a pool mines by default.
var SHA256d = func() *Algorithm { a := algorithms["sha256d"]; return &a }()

// aliases holds other names of those algorithms; the account proxy called sha256d
// sha256.
var aliases = map[string]string{"sha256": "sha256d", "sha512/256d": "sha512256d"}

// LookupAlgorithm returns the algorithm of that name, in any letter case, or under an
// alias (sha256 is sha256d). false: farmproxy does not know the algorithm and can't
// check its shares; then only the name is set.
func LookupAlgorithm(name string) (Algorithm, bool) {
	name = strings.ToLower(name)
	if other, ok := aliases[name]; ok {
		name = other
	}
	a, ok := algorithms[name]
	if !ok {
		return Algorithm{Name: name}, false
	}
	return a, true
}

// Difficulty returns the highest difficulty that hash meets, in the unit of this
// algorithm's pools; hash is in the header's byte order. A pool of an algorithm with
// divider m accepts a hash for difficulty d if it is at most difficulty1 * m / d: for
// scrypt, difficulty 1 is the target 0000ffff00...
func (a *Algorithm) Difficulty(hash *[32]byte) float64 {
	return Difficulty(hash) * a.Divider
}

// NetworkDifficulty returns the difficulty of a block with the given compact
// target, in the unit of this algorithm's pools.
func (a *Algorithm) NetworkDifficulty(nbits uint32) float64 {
	return NetworkDifficulty(nbits) * a.Divider
}

// Work converts a share's difficulty to shares of difficulty 1.
func (a *Algorithm) Work(difficulty float64) float64 { return difficulty / a.Divider }

// isSHA256d reports whether Hash is sha256d, of which two can be computed at a time.
func (a *Algorithm) isSHA256d() bool { return a.Name == SHA256d.Name }

// hash is Hash, or sha256d if there is none: any hash can identify a header.
func (a *Algorithm) hash(header []byte) [32]byte {
	if a.Hash == nil {
		return sha256d(header)
	}
	return a.Hash(header)
}

// scrypt1024 is Litecoin's: N=1024, r=1, p=1, the header is password and salt. It
// allocates 132 kB per call, and takes about 0.4 ms: as long as 1,700 sha256d.
func scrypt1024(header []byte) [32]byte {
	key, err := scrypt.Key(header, header, 1024, 1, 1, 32)
	if err != nil {
		panic(fmt.Sprintf("work: scrypt parameters: %v", err)) // they are constants, and valid
	}
	return [32]byte(key)
}

// sha512256d is Radiant's: SHA-512/256, twice.
func sha512256d(header []byte) [32]byte {
	first := sha512.Sum512_256(header)
	return sha512.Sum512_256(first[:])
}

// keccak256 is Keccak as it was before SHA-3, with its padding.
func keccak256(header []byte) [32]byte {
	var sum [32]byte
	h := sha3.NewLegacyKeccak256()
	h.Write(header)
	h.Sum(sum[:0])
	return sum
}
