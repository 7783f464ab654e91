//go:build !purego

package work

import (
	"math/bits"

	"github.com/klauspost/cpuid/v2"
)

// hasSHA says whether hashPadded and foldBranches can be used here.
var hasSHA = cpuid.CPU.Supports(cpuid.SHA, cpuid.SSSE3, cpuid.SSE4)

// hashPadded writes the SHA-256 of two messages to out and out2, which may be part of
// the messages. Both are already padded (FIPS 180-4, 5.1.1) to the same number of
// 64-byte blocks, at least one.
//
//go:noescape
func hashPadded(out, out2 *[32]byte, message, message2 *byte, blocks int)

// foldBranches folds two merkle paths: n times, at least once, it replaces each root
// by the SHA-256 of the SHA-256 of that root and a branch. The branches are
// contiguous.
//
//go:noescape
func foldBranches(root, root2, branches, branches2 *[32]byte, n int)

// constants are the constants of the 64 rounds (FIPS 180-4, 4.2.2).
//
//lint:ignore U1000 the assembly has them
var constants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// paddingBlock is what each of the 64 rounds adds in a block that is only the padding
// of a 64-byte message: the constants plus the block's words.
//
//lint:ignore U1000 the assembly has it
var paddingBlock = func() (sums [64]uint32) {
	words := [64]uint32{0: 1 << 31, 15: 8 * blockSize}
	for i := range words {
		if i >= 16 { // FIPS 180-4, 6.2.2
			a, b := words[i-15], words[i-2]
			words[i] = words[i-16] + words[i-7] +
				(bits.RotateLeft32(a, -7) ^ bits.RotateLeft32(a, -18) ^ a>>3) +
				(bits.RotateLeft32(b, -17) ^ bits.RotateLeft32(b, -19) ^ b>>10)
		}
		sums[i] = words[i] + constants[i]
	}
	return sums
}()
