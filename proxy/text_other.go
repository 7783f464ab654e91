//go:build !linux

package proxy

// text is empty: only Linux counts resident memory this way.
type text []struct{}

func loadedText() text { return nil }
func (text) forget()   {}
