package proxy

import (
	"context"
	"runtime"
	"testing"
)

// What is done after collections is done after the first one and after a later one, and is
// over with its context.
func TestAfterCollections(t *testing.T) {
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	afterCollections(ctx, 1, func() { done <- struct{}{} })
	for range 3 {
		runtime.GC()
		<-done
	}
	end()
}
