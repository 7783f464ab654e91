//go:build !purego

package work

import "unsafe"

// prefetch fetches each cache line of 64 bytes that has some of the bytes; of at
// least one byte.
//
//go:noescape
func prefetch(p unsafe.Pointer, bytes int)
