package work

import (
	"crypto/sha256"
	"encoding/binary"
)

const (
	// blockSize is the block size of SHA-256, in bytes.
	blockSize = 64

	// lengthSize is the size of the end of a message's padding, in bytes: the number
	// of its bits.
	lengthSize = 8
)

// sha256d returns the SHA-256 of the SHA-256 of b.
func sha256d(b []byte) [32]byte {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

// appendPadding pads b, taken as a whole message (FIPS 180-4, 5.1.1): a bit, zeros,
// the length.
func appendPadding(b []byte) []byte {
	var zeros [blockSize]byte
	n := len(b)
	b = append(b, 0x80)
	b = append(b, zeros[:-(len(b)+lengthSize)&(blockSize-1)]...)
	return binary.BigEndian.AppendUint64(b, uint64(n)*8)
}

// sha256dPadded sets out and out2 to the SHA-256 of the SHA-256 of two padded
// messages. Hashing two at once takes hardly longer than hashing one, whose
// instructions stall on each other; this needs messages of the same length. It
// requires hasSHA.
//
// The standard library uses the same instructions, but for a single message, and for
// messages as short as a share's it spends half of its time around them.
func sha256dPadded(out, out2 *[32]byte, message, message2 []byte) {
	var middle, middle2 [blockSize]byte
	first, second := (*[32]byte)(middle[:]), (*[32]byte)(middle2[:])
	if len(message) == len(message2) {
		hashPadded(first, second, &message[0], &message2[0], len(message)/blockSize)
	} else {
		hashPadded(first, first, &message[0], &message[0], len(message)/blockSize)
		hashPadded(second, second, &message2[0], &message2[0], len(message2)/blockSize)
	}
	appendPadding(middle[:len(first)])
	appendPadding(middle2[:len(second)])
	hashPadded(out, out2, &middle[0], &middle2[0], 1)
}

// foldPaths folds two merkle paths into root and root2.
func foldPaths(root, root2 *[32]byte, branches, branches2 [][32]byte) {
	both := min(len(branches), len(branches2))
	if both > 0 {
		foldBranches(root, root2, &branches[0], &branches2[0], both)
	}
	if rest := branches[both:]; len(rest) > 0 {
		foldBranches(root, root, &rest[0], &rest[0], len(rest))
	}
	if rest := branches2[both:]; len(rest) > 0 {
		foldBranches(root2, root2, &rest[0], &rest[0], len(rest))
	}
}

// foldPath is foldPaths for one path, on any processor.
func foldPath(root *[32]byte, branches [][32]byte) {
	var pair [2 * len(root)]byte
	for i := range branches {
		copy(pair[:], root[:])
		copy(pair[len(root):], branches[i][:])
		*root = sha256d(pair[:])
	}
}
