// Package systemd owns what farmproxy and the service manager say to each
// other: readiness, a line of status, the watchdog, the state directory. Next
// to it lie the files that a package installs: unit, example configuration,
// kernel settings.
//
//	cmd -> Ready, Status, Stopping, Watchdog -> $NOTIFY_SOCKET -> systemd
//
// It never decides anything: when to be ready and what it means to be alive
// is the caller's. Where no service manager listens, every call does nothing.
// All functions may be called from any goroutine.
package systemd

import (
	"fmt"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Ready says that miners can connect; start jobs that wait for it go on.
func Ready() error { return notify(daemon.SdNotifyReady) }

// Stopping says that the shutdown has begun and no restart is needed.
func Stopping() error { return notify(daemon.SdNotifyStopping) }

// Status sets the line that systemctl status shows.
func Status(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	// A second line would be read as another message, whoever wrote it.
	line = strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
	return notify("STATUS=" + line)
}

// StateDirectory is the directory that the unit's StateDirectory= made for
// the service; empty outside of systemd, and in a unit that has none.
func StateDirectory() string {
	first, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	return first
}

func notify(message string) error {
	if _, err := daemon.SdNotify(false, message); err != nil {
		return fmt.Errorf("systemd: %s: %w; the unit needs NotifyAccess=main, or NOTIFY_SOCKET unset", message, err)
	}
	return nil
}
