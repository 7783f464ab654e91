package stats

import (
	"testing"
	"time"

	"farmproxy/work"
)

// A worker is up while shares come, silent when they stay away, and down without a miner;
// all that can be told without its address is the same in both ways of looking.
func TestHowAWorkerIs(t *testing.T) {
	b := newBook(Options{Loops: 1})
	now := epoch
	b.now = func() time.Time { return now }
	w := b.Worker("rig")
	how := func(after time.Duration, state WorkerState, since time.Duration) {
		t.Helper()
		now = epoch.Add(after)
		b.EachWorker(func(i *WorkerInfo) {
			if i.State != state || !i.Since.Equal(epoch.Add(since)) {
				t.Errorf("after %v it is %d since %v, want %d since %v", after, i.State, i.Since.Sub(epoch), state, since)
			}
		})
	}
	w.Connected(now, "192.0.2.1:7", "bmminer")
	how(0, WorkerUp, 0)
	how(Silence, WorkerUp, 0)
	how(Silence+time.Second, WorkerSilent, 0)
	w.Share(0, now, work.Accepted, 1)
	how(Silence+time.Minute, WorkerUp, 0)
	how(2*Silence+2*time.Second, WorkerSilent, Silence+time.Second)
	w.Disconnected(now, 0)
	how(2*Silence+time.Minute, WorkerDown, 2*Silence+2*time.Second)
	b.Remember([]Remembered{{Name: "rig", Expected: true}})
	b.EachWorker(func(i *WorkerInfo) {
		if !i.Expected {
			t.Error("it is not expected")
		}
	})
}
