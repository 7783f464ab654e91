// Package systemd owns the conversation between farmproxy and the service manager:
// readiness, a line of status, the watchdog, its directories. Its directory also
// holds the files that a package installs: unit, example configuration, kernel
// settings.
//
//	proxy -> Ready, Reloading, Status, Stopping, Watchdog -> $NOTIFY_SOCKET -> systemd
//
// It never decides anything: the caller knows when it is ready and what being alive
// means. If no service manager listens, every call does nothing. All functions may be
// called from any goroutine.
package systemd

import (
	"fmt"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Ready says that miners can connect; start jobs that wait for it proceed.
func Ready() error { return notify(daemon.SdNotifyReady) }

// Reloading says that the configuration is being read again; Ready must follow.
func Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("clock_gettime: %w", err)
	}
	return notify(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, now.Nano()/1000))
}

// Stopping says that the shutdown has begun and no restart is needed.
func Stopping() error { return notify(daemon.SdNotifyStopping) }

// Status sets the line that systemctl status shows.
func Status(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	// A second line would be read as a separate message, whatever its source.
	line = strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
	return notify("STATUS=" + line)
}

// StateDirectory returns the directory that the unit's StateDirectory= made for the
// service, or "" outside systemd and for a unit without one.
func StateDirectory() string {
	first, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	return first
}

// RuntimeDirectory returns the directory that the unit's RuntimeDirectory= made for the
// service, or "" outside systemd and for a unit without one.
func RuntimeDirectory() string {
	first, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	return first
}

func notify(message string) error {
	if _, err := daemon.SdNotify(false, message); err != nil {
		return fmt.Errorf("systemd: %s: %w; the unit needs NotifyAccess=main, or NOTIFY_SOCKET unset", message, err)
	}
	return nil
}
