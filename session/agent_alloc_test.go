//go:build !race

package session

import (
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/work"
)

// agentAtWork returns an agent with a registered miner and a job, and the frame
// of a share that meets its difficulty.
func agentAtWork(t testing.TB) (a *Agent, e *Env, f agent.Frame) {
	terms := &Terms{SubscribeTimeout: time.Minute, AuthorizeTimeout: time.Minute, Difficulty: Policy{Start: 512, Min: 1, SharesPerMinute: 6}}
	job := vectorJob(t, "bitaxe_bm1397_1", 1, 8, 2)
	job.Difficulty = 1.0 / (1 << 24)
	feed := new(Feed)
	feed.Post(job, true, 0x1fffe000, job.Difficulty)
	a, e = new(Agent), &Env{Terms: terms, Feed: feed}
	d := codec.NewDecoder()
	var r codec.Request
	for _, line := range []string{
		`{"id":"sub","method":"mining.subscribe","params":["btccom-agent/2.0.0-mu"]}`,
		`{"id":"auth","method":"mining.authorize","params":["farm",""]}`,
		`{"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`,
	} {
		if err := d.DecodeRequest([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if _, effect := a.Step(e, &r, nil); effect.Kind == WantAuthorize {
			a.Authorized(&r, effect.Login, nil)
			a.Job(e, true, nil)
		}
	}
	a.Registered(e, 1, "farm.w1", 0)
	g := &agentStage{stage: &stage{env: *e, feed: *feed}, agent: *a}
	share := agent.Share{Job: 1, Session: 1}
	g.mine(&share)
	return a, e, agent.AppendSubmit(nil, &share)
}

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
		forget(&a.miners[0].headers) // or it would be a duplicate
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
	for session := range uint16(10_000) {
		a.Registered(e, session, "farm.w", 0)
	}
	out := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		for i := 0; i < len(a.miners); i += 10 {
			a.miners[i].vardiff.want = 2048 + 1024 - a.miners[i].vardiff.want
		}
		out, _ = a.Job(e, true, out[:0])
	}
}
