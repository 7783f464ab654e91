//go:build !race

package upstream

import (
	"testing"

	"farmproxy/codec"
	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

// BenchmarkFlush takes a batch of shares through a link: from the loops into the
// lane's queue, out in one write, and the pool's verdicts back to the lane.
func BenchmarkFlush(b *testing.B) {
	const shares = 64
	d := NewDirectory(DirectoryOptions{Book: stats.New(stats.Options{})}, nobody{})
	d.Set(kept(Pool{Target: dial.Target{Name: "a"}, User: "farm"}))
	g := d.goal("")
	l := newLane(g, Prefix{Len: 2}, 0)
	layout, _ := work.NewLayout(8, 2)
	e := newEpoch(g.list()[0], "", nil, 8, layout)
	l.setEpochs([]*epoch{e})
	k := g.newLink(b.Context(), g.list()[0], l, linkFiles{})
	out := new(sink)
	atWork(k, e)
	k.protocol.setMask(0x1fffe000)
	job := work.NewJob(work.Template{}, nil, layout)
	job.PoolID, job.Epoch = `"a-1"`, e.id
	s := share(job, 1)
	s.Worker = d.book.Worker("acct.rig1")

	id := uint64(firstID)
	once := func() {
		for range shares {
			if !l.Submit(s) {
				b.Fatal("not taken")
			}
		}
		out.take(k)
		for range shares {
			sent, ok := k.protocol.flight.remove(id)
			id++
			if !ok {
				b.Fatal("not in flight")
			}
			k.protocol.settled(&sent, work.Accepted, codec.PoolError{}, false)
		}
	}
	once()
	before := out.writes
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
	if n := out.writes - before; n != b.N {
		b.Fatalf("%d writes for %d batches", n, b.N)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*shares), "ns/share")
}
