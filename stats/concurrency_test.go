package stats

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"farmproxy/work"
)

// Loops, links and readers at the same time: counts must add up, and the race detector
// must find nothing.
func TestEverybodyAtOnce(t *testing.T) {
	const loops, rounds, names = 4, 500, 7
	b := New(Options{Loops: loops, CloseReasons: []string{"eof"}, MaxWorkers: 5, Forget: time.Nanosecond, Settings: Settings{Predecessor: true}})
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
				w.Mining(fmt.Sprint("account", n%3), fmt.Sprint("pool", n%4), "scrypt")
				w.Share(i, time.Now(), work.Accepted, 1)
				m := b.OpenMiner("192.0.2.1:1", fmt.Sprint("account", n%3), "scrypt", fmt.Sprint("pool", n%4))
				m.Sent(1)
				m.Accepted(1)
				m.Mined(time.Now(), 1)
				m.Close(time.Now())
				w.SetDifficulty(w.Difficulty() + 1)
				loop.Verdicts[work.Accepted].Add(1)
				loop.Work[work.Accepted].Add(1)
				w.Disconnected(time.Now(), 0)
				l := b.OpenLink("pool", n%2)
				b.Pool("pool", "u", n%3).SetAlgorithm("scrypt", 65536)
				b.ForgetPool("pool")
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
				b.AccountTotal("account1")
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
	var shares, kept uint64
	for _, i := range infos {
		shares += i.Shares[work.Accepted]
		if i.Name != Other {
			kept += i.Shares[work.Accepted]
		}
	}
	if shares != want {
		t.Errorf("workers counted %d shares, want %d", shares, want)
	}
	var pools uint64
	for i := range 4 {
		pools += b.PoolTotal(fmt.Sprint("pool", i)).Shares[work.Accepted]
	}
	if algorithm := b.AlgorithmTotal("scrypt").Shares[work.Accepted]; algorithm != kept || pools != kept {
		t.Errorf("pools counted %d shares, the algorithm %d, its workers %d", pools, algorithm, kept)
	}
	var accepted uint64
	miners, _ := b.miners.all(nil)
	for _, m := range miners {
		accepted += m.accepted
		if m.open != 0 {
			t.Errorf("%d miners are left at %+v", m.open, m.key)
		}
	}
	if accepted != want {
		t.Errorf("miners counted %d shares, want %d", accepted, want)
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
