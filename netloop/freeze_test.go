package netloop

import (
	"context"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// A loop that is busy when the server freezes sends mail to one that stands still
// already: the freeze is over only when that has it.
func TestNoMailIsLeftInAFreeze(t *testing.T) {
	f := newFarmOf(t, upstream.Kind{Kept: true}, func(o *Options) {
		o.Loops, o.Book = 2, stats.New(stats.Options{Loops: 2, CloseReasons: session.Reasons()})
	})
	for f.server.miners.Load() == 0 { // the farm's miner is on its way
		runtime.Gosched()
	}
	loops := *f.server.loops.Load()
	busy, goOn, got := make(chan bool), make(chan bool), false
	loops[0].mailbox.call(func() {
		close(busy)
		<-goOn
		loops[1].mailbox.call(func() { got = true })
	})
	<-busy
	frozen := make(chan error)
	go func() { frozen <- f.server.Freeze(t.Context()) }()
	for x := f.server.still.Load(); x == nil || x.done.Load() == 0; x = f.server.still.Load() {
		runtime.Gosched()
	}
	close(goOn)
	if err := <-frozen; err != nil {
		t.Fatal(err)
	}
	if !got {
		t.Error("a loop has mail")
	}
	f.server.Thaw()
	if err := f.server.Alive(t.Context()); err != nil {
		t.Error(err)
	}
}

// A loop that hangs makes a freeze fail, also where a newcomer waits for it; then all goes
// on.
func TestAFreezeThatALoopPrevents(t *testing.T) {
	f := newFarmOf(t, upstream.Kind{Kept: true}, func(o *Options) {
		o.Loops, o.Book = 1, stats.New(stats.Options{Loops: 1, CloseReasons: session.Reasons()})
	})
	for f.server.miners.Load() == 0 { // the farm's miner is on its way
		runtime.Gosched()
	}
	l := (*f.server.loops.Load())[0]
	hangs, goOn := make(chan bool), make(chan bool)
	l.mailbox.call(func() {
		close(hangs)
		<-goOn
	})
	<-hangs
	newcomer, err := net.Dial("tcp", f.server.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer newcomer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := f.server.Freeze(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the freeze says %v", err)
	}
	f.server.Thaw()
	close(goOn)
	for f.server.miners.Load() < 2 {
		runtime.Gosched()
	}
	if err := f.server.Freeze(t.Context()); err != nil {
		t.Errorf("the next one says %v", err)
	}
	f.server.Thaw()
}
