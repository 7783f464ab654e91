package api

import (
	"fmt"
	"testing"
	"time"

	"farmproxy/live"
	"farmproxy/stats"
	"farmproxy/work"
)

// BenchmarkLive is a tick with a page open to a farm of 10,000, a fifth of which has had a
// share since the last one.
func BenchmarkLive(b *testing.B) {
	book := stats.New(stats.Options{Loops: 1, MaxWorkers: 20_000})
	server := New(Options{Book: book, Alerts: calm{}})
	now := time.Now()
	rig := func(i int) string { return fmt.Sprintf("account.hall%d-r%02d-%02d", i/1000, i/20%50, i%20) }
	for i := range 10_000 {
		w := book.Worker(rig(i))
		w.Connected(now, fmt.Sprintf("10.0.%d.%d:4028", i/250, i%250), "bmminer/2.0.0")
		w.Mining("", "main", "sha256d")
		w.Share(0, now, work.Accepted, 65536)
	}
	f := live.NewFeed(&liveFarm{Server: server})
	p, _ := f.Open(now, "")
	<-p.Events()
	n := 0
	for b.Loop() {
		for i := range 2000 {
			book.Worker(rig((5*i+n)%10_000)).Share(0, now, work.Accepted, 65536)
		}
		n++
		f.Tick(now)
		<-p.Events()
	}
}
