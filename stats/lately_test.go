package stats

import (
	"fmt"
	"testing"

	"farmproxy/work"
)

// The last refusals and ends of connections are kept, the latest first, and no more of them.
func TestLately(t *testing.T) {
	b := newBook(Options{CloseReasons: []string{"miner_left", "share_flood"}})
	w := b.Worker("rig")
	tell := func(name string) (text string) {
		_, l, ok := b.WorkerDetail(name)
		for _, r := range l.Refused {
			text += fmt.Sprint(" ", r.Verdict, "/", r.Difficulty)
		}
		for _, c := range l.Closed {
			text += fmt.Sprint(" ", c.Reason, "@", c.Address)
		}
		return fmt.Sprint(ok, text)
	}
	want := func(name, want string) {
		t.Helper()
		if got := tell(name); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	want("nobody", "false")
	want("rig", "true")
	w.Connected(at(1), "10.0.0.7:1", "")
	w.Share(0, at(2), work.Accepted, 8)
	want("rig", "true")
	w.Share(0, at(3), work.Stale, 8)
	w.Share(0, at(4), work.Duplicate, 16)
	w.Disconnected(at(5), 1)
	want("rig", "true duplicate/16 stale/8 share_flood@10.0.0.7:1")
	for i := range keptRefusals + 2 {
		w.Share(0, at(6), work.LowDifficulty, float64(i))
	}
	for i := range keptConnections + 1 {
		w.Connected(at(7), fmt.Sprintf("10.0.0.%d:1", i), "")
		w.Disconnected(at(8), 0)
	}
	want("rig", "true low_difficulty/9 low_difficulty/8 low_difficulty/7 low_difficulty/6 low_difficulty/5 low_difficulty/4 low_difficulty/3 low_difficulty/2"+
		" miner_left@10.0.0.4:1 miner_left@10.0.0.3:1 miner_left@10.0.0.2:1 miner_left@10.0.0.1:1")
}

// What is kept is bounded, and goes with the worker.
func TestLatelyIsBounded(t *testing.T) {
	b := newBook(Options{})
	l := &b.ledger.lately
	for i := range maxLately + 10 {
		b.Worker(fmt.Sprint("rig", i)).Share(0, at(1), work.Stale, 1)
	}
	if len(l.of) != maxLately {
		t.Errorf("of %d workers something is kept, want %d", len(l.of), maxLately)
	}
	l.forget(b.Worker("rig5"))
	b.workers.drop(b.workers.all(), at(1e6), strayTime)
	if len(l.of) != 0 {
		t.Errorf("of %d workers that were dropped something is kept", len(l.of))
	}
}
