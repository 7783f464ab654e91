package work

import (
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// A genesis block of a real coin for each algorithm. Fields are as in the coin's
// source: hashes big-endian, as explorers show them.
var genesis = []struct {
	algorithm, coin, source string
	version                 uint32
	root                    string
	ntime, nbits, nonce     uint32
	hash                    string
}{
	{"sha256d", "Bitcoin", "bitcoin/bitcoin src/chainparams.cpp",
		1, "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
		1231006505, 0x1d00ffff, 2083236893, "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"},
	{"sha512256d", "Radiant", "RadiantBlockchain/radiant-node 3bfd3ed src/chainparams.cpp:167",
		1, "027c3f6ae3858a75e2c287a915b3d82a50c48ee7021b715eedae9497f8ba2c37",
		1655692970, 0x1d00ffff, 716669049, "0000000065d8ed5d8be28d6876b3ffb660ac2a6c0ca59e437e1f7a6f4e003fb4"},
	{"blake2s", "Nevacoin", "Nevacoin/nevacoin e1e8c9e src/chainparams.cpp:78",
		1, "5783b7fc8f9fca30e77cf3333549ffed2f229a23fbbad4ab79cd2d3c15841af5",
		1457344680, 0x1e0fffff, 367128, "0000067865dd821b9f8b2dcdfb367c9d1344d3335fa6fc6d7940b026b88169a6"},
	{"keccakc", "SmartCash", "SmartCash/Core-Smart 0f6029c src/chainparams.cpp:173",
		2, "b79187d8ce4d5ec398730dd34276248f1e7b09d98ca29b829e5e5e67ff21d462",
		1496467978, 0x1e0ffff0, 245887, "000007acc6970b812948d14ea5a0a13db0fdd07d5047c7e69101fa8b361e05a4"},
	{"keccakc", "MaxCoin", "Max-Coin/maxcoin 2af8400 src/main.cpp:40 and 2910",
		112, "f8cc3b46c273a488c318dc7d98cc053494af2871e495e17f5c7c246055e46af3",
		1390822264, 0x1e00ffff, 11548217, "0000002d0f86558a6e737a3a351043ee73906fe077692dfaa3c9328aaca21964"},
	// Litecoin identifies a block by sha256d and proves it by scrypt; its genesis
	// meets its target only by scrypt.
	{"scrypt", "Litecoin", "litecoin-project/litecoin d8c8adc src/chainparams.cpp:126",
		1, "97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9",
		1317972665, 0x1e0ffff0, 2084524493, ""},
}

func TestAlgorithmsAgreeWithRealBlocks(t *testing.T) {
	seen := make(map[string]bool)
	for _, g := range genesis {
		t.Run(g.coin, func(t *testing.T) {
			seen[g.algorithm] = true
			a, ok := LookupAlgorithm(g.algorithm)
			if !ok {
				t.Fatalf("%s is not known", g.algorithm)
			}
			header := make([]byte, HeaderSize)
			binary.LittleEndian.PutUint32(header, g.version)
			copy(header[36:], reversed(t, g.root))
			binary.LittleEndian.PutUint32(header[68:], g.ntime)
			binary.LittleEndian.PutUint32(header[72:], g.nbits)
			binary.LittleEndian.PutUint32(header[76:], g.nonce)
			hash := a.Hash(header)
			if got := hex.EncodeToString(reversed(t, hex.EncodeToString(hash[:]))); g.hash != "" && got != g.hash {
				t.Errorf("%s of the header is\n%s, the block is\n%s (%s)", g.algorithm, got, g.hash, g.source)
			}
			if met, asked := a.Difficulty(&hash), a.NetworkDifficulty(g.nbits); met < asked {
				t.Errorf("the hash meets difficulty %v, the block asks for %v", met, asked)
			}
			header[76]++
			if other := a.Hash(header); a.Difficulty(&other) >= a.NetworkDifficulty(g.nbits) {
				t.Errorf("the next nonce meets the target too: the target is no test")
			}
		})
	}
	for name := range algorithms {
		if !seen[name] {
			t.Errorf("%s: no real block proves it", name)
		}
	}
}

func TestScryptOfLitecoinsGenesis(t *testing.T) {
	// The proof-of-work hash that Litecoin's block explorers show.
	a, _ := LookupAlgorithm("scrypt")
	header, err := hex.DecodeString("01000000" + "0000000000000000000000000000000000000000000000000000000000000000" +
		"d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97" + "b9aa8e4ef0ff0f1ecd513f7c")
	if err != nil {
		t.Fatal(err)
	}
	hash := a.Hash(header)
	const want = "0000050c34a64b415b6b15b37f2216634b5b1669cb9a2e38d76f7213b0671e00"
	if got := hex.EncodeToString(reversed(t, hex.EncodeToString(hash[:]))); got != want {
		t.Errorf("scrypt: %s, want %s", got, want)
	}
}

func TestLookupAlgorithm(t *testing.T) {
	for _, c := range []struct {
		name, want string
		ok         bool
	}{
		{"sha256d", "sha256d", true},
		{"sha256", "sha256d", true},
		{"SHA256", "sha256d", true},
		{"sha512/256d", "sha512256d", true},
		{"scrypt", "scrypt", true},
		{"X11", "x11", false},
		{"keccak", "keccak", false}, // single SHA-256 of the coinbase
		{"", "", false},
	} {
		a, ok := LookupAlgorithm(c.name)
		if a.Name != c.want || ok != c.ok || (a.Hash != nil) != c.ok {
			t.Errorf("%q: %q, %v with a hash: %v; want %q, %v", c.name, a.Name, ok, a.Hash != nil, c.want, c.ok)
		}
	}
}

// Difficulty 1 of an algorithm is the target that its pools set for it, and takes that
// many hashes.
func TestDifficultyOneOfAlgorithms(t *testing.T) {
	for _, c := range []struct {
		algorithm string
		target    string // big-endian, the leading bytes
		hashes    float64
	}{
		{"sha256d", "00000000ffff", 1 << 32},
		{"scrypt", "0000ffff", 1 << 16},
		{"keccakc", "000000ffff", 1 << 24},
		{"blake2s", "00000000ffff", 1 << 32},
		{"sha512256d", "00000000ffff", 1 << 32},
	} {
		a, _ := LookupAlgorithm(c.algorithm)
		target := c.target
		for len(target) < 64 {
			target += "0"
		}
		hash := [32]byte(reversed(t, target))
		if got := a.Difficulty(&hash); got != 1 {
			t.Errorf("%s: target %s has difficulty %v, want 1", c.algorithm, c.target, got)
		}
		if got := a.Work(1) * HashesPerShare; got != c.hashes {
			t.Errorf("%s: difficulty 1 takes %v hashes, want %v", c.algorithm, got, c.hashes)
		}
	}
}

func TestAJobIsHashedWithItsAlgorithm(t *testing.T) {
	var c Checker
	s := &Solution{Prefix: 0x0102, Size: 2, Extranonce2: [4]byte{3, 4}, Version: 1, NTime: 2, Nonce: 3}
	layout, _ := NewLayout(4, 2)
	j := NewJob(Template{NBits: 0x1d00ffff, Branches: [][32]byte{{1}}}, nil, layout)
	for name := range algorithms {
		a, _ := LookupAlgorithm(name)
		j.Algorithm = &a
		if got, want := c.Hash(j, s), a.Hash(c.Header(j, s)[:]); got != want {
			t.Errorf("%s: Hash %x, of the header %x", name, got, want)
		}
	}
	unknown, _ := LookupAlgorithm("x11")
	j.Algorithm = &unknown
	if got, want := c.Hash(j, s), sha256d(c.Header(j, s)[:]); got != want {
		t.Errorf("x11: Hash %x, sha256d of the header %x", got, want)
	}
}

func BenchmarkAlgorithm(b *testing.B) {
	for _, name := range []string{"sha256d", "sha512256d", "blake2s", "keccakc", "scrypt"} {
		b.Run(name, func(b *testing.B) {
			a, _ := LookupAlgorithm(name)
			header := make([]byte, HeaderSize)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				binary.LittleEndian.PutUint32(header[76:], uint32(i))
				a.Hash(header)
			}
		})
	}
}

func reversed(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}
