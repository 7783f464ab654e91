package wait

import (
	"context"
	"time"
)

// For waits for d; it returns early, with the error of ctx, if that ends.
func For(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Until waits for a condition; it returns false if that did not come true in time.
func Until(ctx context.Context, within time.Duration, cond func() bool) bool {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !cond() {
		if For(limited, 5*time.Millisecond) != nil {
			return cond()
		}
	}
	return true
}
