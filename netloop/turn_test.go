//go:build !race

package netloop

import (
	"os"
	"testing"

	"farmproxy/upstream"
)

// Jobs on their way out are not held up by a wait, for its mail or for a pool.
func TestALoopDoesNotWaitDuringAFanOut(t *testing.T) {
	t.Parallel()
	l := newBenchLoop(t, fanoutChunk+1)
	rope, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rope.Close()
	for i := range l.bells {
		l.bells[i].Store(&bell{rope: rope})
	}
	l.mailbox.wake = l.wake
	for i := range fanoutChunk + 1 {
		l.join(t, i)
	}
	f := l.slots[0].peer.feed
	f.take(&upstream.Post{Lane: f.lane, Job: newBenchJob(1), Clean: true, Mask: 0x1fffe000, Difficulty: 1024})
	for _, x := range []struct {
		wires, flying int
		want          awaited
	}{{0, 0, awaitsMail}, {1, awaitShares, awaitsPool}} {
		for range x.wires {
			l.wires = append(l.wires, &wire{flying: x.flying})
		}
		l.flying = x.flying
		bring := func() awaited {
			l.handed, l.rhythm = 1, rhythm{}
			return l.bring(false, true)
		}
		f.begin(l.env.Now, true, false)
		rung := l.rung.Load()
		if got := bring(); got != awaitsNothing || l.doze.begun.Load() != 0 || l.rung.Load() == rung {
			t.Errorf("during a fan-out it waits for %v, and has rung its bell for the next turn: %v", got, l.rung.Load() > rung)
		}
		if got := bring(); got != x.want || f.busy {
			t.Errorf("after it, it waits for %v, want %v", got, x.want)
		}
		l.doze.end()
	}
}
