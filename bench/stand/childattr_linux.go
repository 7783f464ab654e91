package stand

import (
	"syscall"
)

// childAttributes keeps a Ctrl-C from reaching the child before the fleet is done, and
// ends the child if the harness crashes.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
