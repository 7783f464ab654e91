package proxy

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// What is done after collections is done after each of them, if no other one follows soon,
// until its context ends.
func TestAfterCollections(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	afterCollections(t.Context(), 1, func() {
		select {
		case done <- struct{}{}:
		case <-t.Context().Done():
		}
	})
	collect := func() {
		for called := 0; called < 3; {
			runtime.GC()
			select {
			case <-done:
				called++
			case <-time.After(10 * time.Millisecond): // it came while the one before was still being told
			}
		}
	}
	collect()

	var ended, tooSoon atomic.Int64
	ctx, end := context.WithCancel(t.Context())
	end()
	afterCollections(ctx, 1, func() { ended.Add(1) })
	afterCollections(t.Context(), time.Hour, func() { tooSoon.Add(1) })
	collect()
	if ended.Load()+tooSoon.Load() > 0 {
		t.Errorf("done %d times after its context had ended, %d times an hour too soon", ended.Load(), tooSoon.Load())
	}
}
