package netloop

import (
	"runtime"
	"testing"

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
