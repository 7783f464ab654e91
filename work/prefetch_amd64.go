//go:build !purego

package work

import "unsafe"

// prefetch fetches each 64-byte cache line that contains any of the bytes; bytes is at
// least 1.
//
//go:noescape
func prefetch(p unsafe.Pointer, bytes int)
