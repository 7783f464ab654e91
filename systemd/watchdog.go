package systemd

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Watchdog tells systemd twice per WatchdogSec that the process is alive, until ctx
// ends; but only when alive says so, in time. alive gets a context that ends with that
// half; it returns nil if everything that has to move has moved, or an error that names
// what has not. systemd kills and restarts a process that stays silent for a whole
// WatchdogSec.
//
// Watchdog returns at once if the unit has no watchdog, and an error if systemd's
// settings for it can't be understood.
func Watchdog(ctx context.Context, alive func(context.Context) error) error {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return err
	}
	half := interval / 2
	ticker := time.NewTicker(half)
	defer ticker.Stop()
	for {
		if err := probe(ctx, half, alive); ctx.Err() != nil {
			return nil
		} else if err != nil {
			// The last status is in the journal beside the kill.
			_ = Status("not alive: %v", err)
		} else {
			_ = notify(daemon.SdNotifyWatchdog) // the next one makes up for a lost one
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// probe asks once. A late answer counts as none.
func probe(ctx context.Context, limit time.Duration, alive func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := alive(ctx); err != nil {
		return err
	}
	return ctx.Err()
}
