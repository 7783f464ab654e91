//go:build !linux

package netloop

import "errors"

// unlisten is for Linux, which says what the descriptors of a process are.
func unlisten([]string) error { return errors.ErrUnsupported }
