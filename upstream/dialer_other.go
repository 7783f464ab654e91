//go:build !linux

package upstream

import "syscall"

// setUserTimeout does nothing here: answerTimeout does the same, later.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
