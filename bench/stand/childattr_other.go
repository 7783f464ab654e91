//go:build !linux

package stand

import "syscall"

// childAttributes are the system's defaults: only Linux can do more.
func childAttributes() *syscall.SysProcAttr { return nil }
