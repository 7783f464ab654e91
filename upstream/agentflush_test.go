//go:build !race

package upstream

import (
	"context"
	"fmt"
	"testing"

	"farmproxy/codec"
	"farmproxy/stats"
	"farmproxy/work"
)

// agentLink returns a link to an agent pool that serves a lane, and a share for
// it.
func agentLink(ctx context.Context) (*link, *agent, Share) {
	d := NewDirectory(DirectoryOptions{Pools: []Pool{{Name: "a", User: "farm", Agent: true}}, Book: stats.New(stats.Options{})}, nobody{})
	r := d.fixed
	l := newLane(r, Prefix{Len: 2}, 0)
	layout, _ := work.NewLayout(agentSize, 2)
	e := newEpoch(r.pools[0], "", nil, agentSize, layout)
	l.setEpochs([]*epoch{e})
	k := r.newLink(ctx, r.pools[0], l)
	k.epoch.Store(e)
	k.conn = new(sink)
	k.flight.begin(firstIndexID)
	a := k.dialect.(*agent)
	a.responses = true
	l.roster.attach(k)
	job := work.NewJob(work.Template{}, nil, layout)
	job.PoolID, job.Epoch, job.Own = "7", e.id, a.own
	s := share(job, 1)
	s.Worker = d.book.Worker("acct.rig1")
	l.roster.put(Member{Prefix: s.Prefix, Login: "acct.rig1"})
	return k, a, s
}

// A share's way to an agent pool and its verdict's way back, by batches of 256,
// of 10,000 workers.
func BenchmarkAgentFlush(b *testing.B) {
	k, a, s := agentLink(b.Context())
	const workers = 10_000
	for i := range uint16(workers) {
		k.lane.roster.put(Member{Prefix: Prefix{Value: i, Len: 2}, Login: fmt.Sprintf("acct.rig%d", i)})
	}
	batch := make([]Share, 0, maxBatch)
	for k.flush(batch) {
	}
	worker, index := uint16(0), uint16(0)
	once := func() {
		for range maxBatch {
			s.Prefix.Value = worker
			worker = (worker + 1) % workers
			k.lane.Submit(s)
		}
		k.flush(batch)
		for range maxBatch {
			if !a.answered(index, codec.AgentAccept) {
				b.Fatal("not in flight")
			}
			index++
		}
	}
	once() // what grows has grown
	before := k.conn.(*sink).bytes
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		once()
		n += maxBatch
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/share")
	b.ReportMetric(float64(k.conn.(*sink).bytes-before)/float64(n), "B/share")
}

func TestAgentSharesAllocateNothing(t *testing.T) {
	for _, responses := range []bool{true, false} {
		k, a, s := agentLink(t.Context())
		a.responses = responses
		batch := make([]Share, 0, maxBatch)
		index := uint16(0)
		once := func() {
			k.lane.Submit(s)
			k.flush(batch)
			if a.answered(index, codec.AgentAccept) != responses {
				t.Fatal("in flight?")
			}
			index++
		}
		once()
		if n := testing.AllocsPerRun(1000, once); n != 0 {
			t.Errorf("%v allocations for each share", n)
		}
	}
}
