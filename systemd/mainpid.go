package systemd

import "strconv"

// MainPID says that the service's main process is another one from now on: one that this
// process has started. Only the main process so far may say so.
func MainPID(pid int) error { return notify("MAINPID=" + strconv.Itoa(pid)) }

// OwnVariables returns the environment variables that the service manager has set for
// this process alone. Its successor must not have them: with WATCHDOG_PID it would not
// feed the watchdog.
func OwnVariables() []string { return []string{"WATCHDOG_PID"} }
