package systemd

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Watchdog tells systemd twice in each WatchdogSec that the process is alive,
// until ctx ends; but only when alive says so, and in time. alive gets a
// context that ends with that half; it returns nil when everything that has to
// move has moved, an error that names what has not. A process that keeps
// silent for a whole WatchdogSec is killed and restarted by systemd.
//
// It returns at once where the unit has no watchdog, and an error where
// systemd's settings for it can't be understood.
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
			_ = notify(daemon.SdNotifyWatchdog) // one that is lost is made up for by the next
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// probe asks once. An answer that comes too late counts as none.
func probe(ctx context.Context, limit time.Duration, alive func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := alive(ctx); err != nil {
		return err
	}
	return ctx.Err()
}
