//go:build !linux

package netloop

import "errors"

// unlisten needs Linux, which lists the descriptors of a process.
func unlisten([]string) error { return errors.ErrUnsupported }
