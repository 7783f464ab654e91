package stand

import (
	"syscall"
)

// childAttributes keeps a Ctrl-C from reaching the child before the fleet is
// done, and lets it not outlive a harness that crashed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
