//go:build !linux

package proxy

// forgetStart does nothing: only Linux counts resident memory this way.
func forgetStart() {}
