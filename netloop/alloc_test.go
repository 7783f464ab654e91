//go:build !race

package netloop

import "testing"

func TestWakingAllocatesNothing(t *testing.T) {
	s := newLoops(t, 1)
	heard := make(chan struct{})
	answer := func() { heard <- struct{}{} }
	carry(t, s, &script{}) // ensures that there is a loop
	l := (*s.loops.Load())[0]
	for l.bells[1].Load() == nil {
		l.mailbox.call(answer)
		<-heard
	}
	if n := testing.AllocsPerRun(100, func() {
		l.mailbox.call(answer)
		<-heard
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
