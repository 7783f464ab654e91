//go:build !race

package upstream

import (
	"fmt"
	"testing"

	"farmproxy/codec/agent"
)

// A share's way to an agent pool and its verdict's way back, by batches of 256,
// of 10,000 workers.
func BenchmarkAgentFlush(b *testing.B) {
	k, a, s := agentLink(b.Context())
	const workers = 10_000
	for i := range uint16(workers) {
		k.lane.roster.put(Member{Prefix: Prefix{Value: i, Len: 2}, Login: fmt.Sprintf("acct.rig%d", i)})
	}
	out := new(sink)
	out.take(k)
	worker, index := uint16(0), uint16(0)
	once := func() {
		for range maxBatch {
			s.Prefix = worker
			worker = (worker + 1) % workers
			k.lane.Submit(s)
		}
		out.take(k)
		for range maxBatch {
			if !a.answered(index, agent.Accept) {
				b.Fatal("not in flight")
			}
			index++
		}
	}
	once() // what grows has grown
	before := out.bytes
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		once()
		n += maxBatch
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/share")
	b.ReportMetric(float64(out.bytes-before)/float64(n), "B/share")
}

func TestAgentSharesAllocateNothing(t *testing.T) {
	for _, responses := range []bool{true, false} {
		k, a, s := agentLink(t.Context())
		a.responses = responses
		index, out := uint16(0), new(sink)
		once := func() {
			k.lane.Submit(s)
			out.take(k)
			if a.answered(index, agent.Accept) != responses {
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
