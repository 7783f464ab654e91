package work_test

import (
	"fmt"

	"farmproxy/work"
)

// A pool's extranonce2 of 8 bytes is divided among miners, each with a prefix of 2
// bytes: the bytes before the prefix are folded into coinb1.
func ExampleNewLayout() {
	layout, ok := work.NewLayout(8, 2)
	fmt.Println(ok, layout.Lead, layout.Prefix, layout.Room)
	solution := work.Solution{Prefix: 0xf50e}
	solution.SetExtranonce2(0, 0, 0, 1)
	fmt.Printf("behind coinb1: %x\n", layout.Fold([]byte{0xa1, 0xa2, 0xa3, 0xa4}))
	fmt.Printf("to the pool:   %x\n", layout.Extranonce2(nil, &solution))
	// Output:
	// true 2 2 4
	// behind coinb1: a1a2a3a40000
	// to the pool:   0000f50e00000001
}

// A share's difficulty is that of its hash.
func ExampleDifficulty() {
	var hash [32]byte // in the header's byte order
	hash[26], hash[27] = 0xff, 0xff
	fmt.Println(work.Difficulty(&hash))
	hash[27] = 0
	fmt.Println(work.FloorPowerOfTwo(work.Difficulty(&hash)))
	// Output:
	// 1
	// 256
}
