package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/codec/agent"
)

// authorized returns a miner that works on the first recorded job.
func authorized(t testing.TB) (*Session, *Env, *codec.Decoder) {
	terms := &Terms{SubscribeTimeout: time.Minute, AuthorizeTimeout: time.Minute, Difficulty: Policy{Start: 512, Min: 1, SharesPerMinute: 6}}
	feed := new(Feed)
	job := vectorJob(t, "bitaxe_bm1397_1", 1, 0, 2)
	job.Difficulty = 1000
	feed.Post(job, true, 0x1fffe000, 1000)
	e := &Env{Terms: terms, Feed: feed}
	d := codec.NewDecoder()
	s := new(Session)
	var r codec.Request
	for _, line := range []string{
		`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}`,
		`{"id":2,"method":"mining.subscribe","params":["x"]}`,
		`{"id":3,"method":"mining.authorize","params":["user.worker","x"]}`,
	} {
		if err := d.DecodeRequest([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		switch _, effect := s.Step(e, &r, nil); effect.Kind {
		case WantSubscribe:
			s.Subscribed(e, &r, 7, []byte{0xf5, 0x0e}, 2, nil)
		case WantAuthorize:
			s.Authorized(e, &r, "user.worker", 0, nil)
		}
	}
	if s.LastJob() != 1 {
		t.Fatal("the miner has no job")
	}
	return s, e, d
}

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
	share := agent.Share{Job: 1, SID: 1}
	g.mine(&share)
	return a, e, agent.AppendSubmit(nil, &share)
}

// A long name was cleaned once for each name that is authorized on the connection: 4 ms on
// an event loop for each share, if they are as many as may be.
func TestTheNameOfAShareIsCleanedOnce(t *testing.T) {
	long := strings.Repeat("y", codec.MaxMinerLine)
	took := func(names int) time.Duration {
		s, least := &Session{name: "farm"}, time.Hour
		for i := range names - 2 {
			s.add(fmt.Sprint("farm.rig", i))
		}
		s.add(codec.CleanName([]byte(long)))
		for range 20 {
			begin := time.Now()
			if w := s.sender([]byte(long)); int(w) != names {
				t.Fatalf("worker %d, want %d", w, names)
			}
			least = min(least, time.Since(begin))
		}
		return least
	}
	if few, many := took(2), took(maxWorkers); many > 16*few {
		t.Errorf("among %d names it takes %v, among 2 %v", maxWorkers, many, few)
	}
}
