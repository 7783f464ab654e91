package stats

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"farmproxy/work"
)

// Loops, links and readers at the same time: what was counted must add up, and
// the race detector must have nothing to say.
func TestEverybodyAtOnce(t *testing.T) {
	const loops, rounds, names = 4, 500, 7
	b := New(Options{Loops: loops, CloseReasons: []string{"eof"}, MaxWorkers: 5, Forget: time.Nanosecond})
	held := make([]*Worker, names)
	for i := range held {
		held[i] = b.Worker(fmt.Sprint("rig", i))
		held[i].Connected(time.Now(), "", "")
	}
	var wg sync.WaitGroup
	for i := range loops {
		wg.Go(func() {
			loop := b.Loop(i)
			for n := range rounds {
				w := b.Worker(fmt.Sprint("rig", n%names))
				w.Connected(time.Now(), "192.0.2.1:1", "agent")
				w.Share(time.Now(), work.Accepted, 1)
				w.SetDifficulty(w.Difficulty() + 1)
				loop.Verdicts[work.Accepted].Add(1)
				loop.Work[work.Accepted].Add(1)
				w.Disconnected(time.Now())
				l := b.OpenLink("pool", n%2)
				b.Pool("pool", "u", n%3)
				l.Verdict(work.Accepted, 1, time.Millisecond)
				b.CloseLink(l)
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range 20 {
				b.Status()
				b.Links()
				b.Workers(WorkerQuery{Order: ByHashRate, Limit: 3})
				if err := b.WriteMetrics(io.Discard, true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()

	const want = loops * rounds
	s := b.Status()
	if s.Shares[work.Accepted] != want || s.Work[work.Accepted] != want {
		t.Errorf("loops counted %d shares, %v work, want %d", s.Shares[work.Accepted], s.Work[work.Accepted], want)
	}
	infos, _ := b.Workers(WorkerQuery{Limit: 100})
	var shares uint64
	for _, i := range infos {
		shares += i.Shares[work.Accepted]
	}
	if shares != want {
		t.Errorf("workers counted %d shares, want %d", shares, want)
	}
	var verdicts uint64
	_, links := b.snapshot()
	for _, l := range links {
		verdicts += l.Verdicts[work.Accepted].Load()
	}
	if verdicts != want {
		t.Errorf("links counted %d verdicts, want %d", verdicts, want)
	}
}
