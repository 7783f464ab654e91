//go:build !race

package session

import (
	"testing"

	"farmproxy/work"
)

func TestAFramesShareAndAJobAllocateNothing(t *testing.T) {
	a, e, frame := agentAtWork(t)
	out := make([]byte, 0, 8<<10)
	f := func(name string, do func()) {
		t.Helper()
		do()
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	var checker work.Checker
	list := make([]Candidate, 1)
	share := func(want EffectKind) {
		var effect Effect
		if out, effect = a.Frame(e, frame, out[:0]); effect.Kind != WantHash {
			t.Fatalf("effect %d", effect.Kind)
		}
		list[0] = *effect.Candidate
		FindHashes(&checker, list)
		if out, effect = a.Judge(e, &list[0], out); effect.Kind != want {
			t.Fatalf("effect %d, want %d", effect.Kind, want)
		}
	}
	f("share and verdict", func() {
		forget(&a.miners[0].headers) // otherwise it would be a duplicate
		share(Forward)
		out = a.Verdict(&list[0].ID, 0, out)
	})
	f("duplicate", func() {
		if share(Judged); len(out) != 10 {
			t.Fatalf("%d bytes", len(out))
		}
	})
	f("job", func() { out, _ = a.Job(e, true, out[:0]) })
}

func BenchmarkFrame(b *testing.B) {
	a, e, frame := agentAtWork(b)
	out := make([]byte, 0, 8<<10)
	var checker work.Checker
	list := make([]Candidate, 1)
	b.ReportAllocs()
	for b.Loop() {
		forget(&a.miners[0].headers)
		_, effect := a.Frame(e, frame, out[:0])
		list[0] = *effect.Candidate
		FindHashes(&checker, list)
		out, _ = a.Judge(e, &list[0], out[:0])
	}
}

// A job for an agent with 10,000 miners, a tenth of which get another difficulty.
func BenchmarkAgentJob(b *testing.B) {
	a, e, _ := agentAtWork(b)
	e.Feed.Job().Difficulty, e.Feed.Difficulty = 1<<20, 1<<20
	for sid := range uint16(10_000) {
		a.Registered(e, sid, "farm.w", 0)
	}
	out := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		for i := 0; i < len(a.miners); i += 10 {
			a.miners[i].vardiff.want = powerOf(2048 + 1024 - a.miners[i].vardiff.want.value())
		}
		out, _ = a.Job(e, true, out[:0])
	}
}
