package upstream

import (
	"slices"
	"testing"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/work"
)

func TestFirstPoolThatIsUp(t *testing.T) {
	inFarm(t, "a b c", func(f *farm) {
		f.pools[0].refuse, f.pools[1].refuse = true, true
		f.start()
		f.wantOn("c")
		f.wantTold("c-1!")
		wantPart(t, "why not a", f.lastError(0), "connect to a:1: connection refused")
	})
}

func TestRestOfAResumeAttemptIsNotWaitedFor(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		a := f.pools[0]
		f.start()
		a.do(func() { a.hole = true })
		a.last().Close()
		f.after(patience - 100*time.Millisecond)
		f.wantOn("none")
		f.after(tickSeeking + 100*time.Millisecond)
		f.wantOn("b")
	})
}

func TestBlackHoleAtStart(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.pools[0].hole = true
		f.start()
		f.after(patience)
		f.wantOn("b")
	})
}

func TestBackoff(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.o.Failover.BackoffMax = 8 * time.Second
		f.pools[0].refuse = true
		f.start()
		f.after(2 * time.Minute)
		var dials []time.Duration
		f.pools[0].do(func() { dials = slices.Clone(f.pools[0].dials) })
		// Pauses of 1, 2, 4, 8, 8 … s, each less up to a half, and a tick.
		for i, pause := 1, backoffMin; i < len(dials); i, pause = i+1, min(2*pause, 8*time.Second) {
			if d := dials[i] - dials[i-1]; d < pause/2 || d > pause+tickSeeking {
				t.Errorf("pause %d: %v, want %v to %v", i, d, pause/2, pause+tickSeeking)
			}
		}
		if len(dials) < 12 {
			t.Errorf("%d attempts in 2 minutes", len(dials))
		}
		f.pools[0].do(func() { f.pools[0].refuse = false })
		f.after(8*time.Second + tickSeeking)
		f.wantOn("a")
	})
}

// A pool that accepts and then drops the link is not hammered.
func TestFlappingPool(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].on["mining.extranonce.subscribe"] = func(c *conn, _ request) bool {
			go func() { time.Sleep(10 * time.Millisecond); c.Close() }()
			return true
		}
		f.start()
		f.after(time.Minute)
		if n := f.pools[0].dialled(); n > 20 {
			t.Errorf("%d attempts in a minute", n)
		}
	})
}

// Make before break: the better pool is back, and no share is lost on the way.
func TestReturn(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		a, b := f.pools[0], f.pools[1]
		a.refuse = true
		f.start()
		f.wantOn("b")
		a.do(func() { a.refuse = false })
		back := time.Now()
		old := f.latest().Job
		b.do(func() {
			b.answer = func(s submit) string {
				go func() { time.Sleep(time.Second); s.conn.reply(s.ID, yes) }()
				return ""
			}
		})
		n := uint32(0)
		for f.latest().Job.Epoch == old.Epoch {
			n++
			f.submit(n, n)
			f.after(200 * time.Millisecond)
			if n%500 == 0 {
				b.last().job(false) // not silent
			}
			if time.Since(back) > 4*time.Minute {
				t.Fatal("it never returned")
			}
		}
		if d := time.Since(back); d < f.goal.failover().ReturnAfter {
			t.Errorf("it returned after %v", d)
		}
		f.wantOn("a")
		f.submitFor(old, n+1, n+5) // late ones, for the old pool's job
		f.submit(n+6, n+9)
		f.wantFate(n+6, n+9, work.Accepted)
		f.after(time.Second)
		f.wantFate(1, n+5, work.Accepted)
		f.after(drainTime)
		f.submitFor(old, n+10, n+10) // too late
		f.wantFate(n+10, n+10, work.LinkLost)
	})
}

func TestReturnNeedsHealthOfSomeTime(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		a := f.pools[0]
		a.refuse = true
		f.start()
		for range 5 { // never long enough
			f.pools[1].last().job(false)
			a.do(func() { a.refuse = false })
			f.after(90 * time.Second)
			a.do(func() { a.refuse = true })
			f.after(30 * time.Second)
		}
		f.wantOn("b")
	})
}

func TestSilence(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.start()
		f.after(f.goal.failover().Silence - 3*time.Second)
		f.wantOn("a")
		f.after(4 * time.Second)
		f.wantOn("b")
		for range 9 { // of the 10 minutes that a cools down for
			f.pools[1].last().job(false)
			f.after(time.Minute)
			f.wantOn("b")
		}
		f.after(2 * time.Minute)
		f.wantOn("a")
	})
}

func TestSilenceOfTheOnlyPool(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		f.after(f.goal.failover().Silence + time.Second)
		equal(t, "dials", f.pools[0].dialled(), 2)
		f.wantOn("a")
	})
}

func TestRejectRate(t *testing.T) {
	reject := func(share submit) string { return `"result":null,"error":[20,"no",null]` }
	stale := func(share submit) string { return `"result":null,"error":[21,"stale",null]` }
	for _, q := range []struct {
		name, pools string
		answer      func(submit) string
		good, bad   uint32
		rate        float64
		want        string
	}{
		{"more than the rate", "a b", reject, 20, 40, 0.5, "b"},
		{"less than the rate", "a b", reject, 40, 20, 0.5, "a"},
		{"not enough shares", "a b", reject, 0, rejectMin - 1, 0.5, "a"},
		{"stale ones do not count", "a b", stale, 10, 90, 0.5, "a"},
		{"never", "a b", reject, 0, 100, 0, "a"},
		{"no other pool", "a", reject, 0, 100, 0.5, "a"},
	} {
		t.Run(q.name, func(t *testing.T) {
			inFarm(t, q.pools, func(f *farm) {
				f.o.Failover.RejectRate = q.rate
				f.start()
				if q.good > 0 {
					f.submit(1, q.good)
				}
				f.pools[0].do(func() { f.pools[0].answer = q.answer })
				f.submit(q.good+1, q.good+q.bad)
				f.after(2 * tickServing)
				f.wantOn(q.want)
			})
		})
	}
}

func TestUnansweredShare(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		a.answer = func(submit) string { return "" }
		f.start()
		f.submit(1, 1)
		f.after(answerTimeout - 2*time.Second)
		equal(t, "dials", a.dialled(), 1)
		a.do(func() { a.answer = func(submit) string { return yes } })
		f.after(2*time.Second + tickServing)
		equal(t, "dials", a.dialled(), 2)
		f.wantFate(1, 1, work.Accepted)
	})
}

func TestSharesWaitForTheirLink(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		f.o.Failover.BackoffMax = time.Second
		f.start()
		job := f.latest().Job
		a.do(func() { a.refuse = true })
		a.last().Close()
		f.after(time.Second)
		f.submitFor(job, 1, 10)
		f.after(20 * time.Second)
		equal(t, "verdicts", len(f.fate()), 0)
		a.do(func() { a.refuse = false })
		f.after(2 * time.Second)
		f.wantFate(1, 10, work.Accepted)
	})
}

func TestSharesDoNotWaitForever(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		f.start()
		job := f.latest().Job
		a.do(func() { a.refuse = true })
		a.last().Close()
		f.submitFor(job, 1, 10)
		f.after(orphanTime + time.Second)
		f.wantFate(1, 10, work.LinkLost)
		f.submitFor(job, 11, 11)
		f.wantFate(11, 11, work.LinkLost)
		a.do(func() { a.refuse = false })
		f.after(time.Minute)
		f.submitFor(job, 12, 12) // the session was resumed after all
		f.wantFate(12, 12, work.Accepted)
	})
}

func TestWithout(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		a, b := f.pools[0], f.pools[1]
		a.refuse, b.refuse = true, true
		begin := time.Now()
		f.start()
		since, none := f.lane().without()
		equal(t, "none", none, true)
		equal(t, "since", since, begin)
		b.do(func() { b.refuse = false })
		f.after(time.Minute)
		_, none = f.lane().without()
		equal(t, "none", none, false)
		b.do(func() { b.refuse = true })
		b.lane().Close()
		f.after(0)
		died := time.Now()
		f.after(time.Minute)
		since, none = f.lane().without()
		equal(t, "none", none, true)
		equal(t, "since", since, died)
		equal(t, "what miners go on with", f.latest().Job.PoolID[1:2], "b")
	})
}

func TestQueueIsBounded(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		f.start()
		job := f.latest().Job
		a.do(func() { a.refuse = true })
		a.last().Close()
		f.after(0)
		f.submitFor(job, 1, maxQueue)
		equal(t, "one more is taken", f.lane().Submit(share(job, 0)), false)
		a.do(func() { a.refuse = false })
		f.after(5 * time.Second)
		f.wantFate(1, maxQueue, work.Accepted)
		equal(t, "verdicts", len(f.fate()), maxQueue)
	})
}

func TestDrain(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		a.answer = func(s submit) string {
			go func() { time.Sleep(700 * time.Millisecond); s.conn.reply(s.ID, yes) }()
			return ""
		}
		f.start()
		f.submit(1, 5)
		begin := time.Now()
		f.directory.Drain(f.t.Context())
		if d := time.Since(begin); d < 600*time.Millisecond || d > time.Second {
			t.Errorf("drained after %v", d)
		}
		f.wantFate(1, 5, work.Accepted)
	})
}

func TestCloseGivesVerdicts(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		a.answer = func(submit) string { return "" }
		f.start()
		job := f.latest().Job
		f.submit(1, 5)
		f.directory.Close(f.t.Context())
		f.wantFate(1, 5, work.LinkLost)
		f.submitFor(job, 6, 6)
		f.wantFate(6, 6, work.LinkLost)
	})
}

func TestLanesShareThePool(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.others.Pools[1].Links = 3
		f.start()
		equal(t, "links", len(f.pools[0].every()), 3)
		lanes := make(map[*Lane]bool)
		for v := range uint16(9) {
			lanes[f.goal.Join(Member{Prefix: Prefix{Value: v, Len: 2}})] = true
		}
		equal(t, "lanes", len(lanes), 3)
		f.pools[0].do(func() { f.pools[0].refuse = true })
		for _, c := range f.pools[0].every() {
			c.Close()
		}
		f.after(time.Second)
		for l := range lanes {
			equal(t, "pool", l.Latest().Job.PoolID[1:2], "b")
		}
	})
}

// A pool that passes over one share, and answers those after it, costs that share.
func TestOneUnansweredShare(t *testing.T) {
	for _, q := range []struct {
		name  string
		agent bool
	}{{"stratum", false}, {"agent", true}} {
		t.Run(q.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				a := f.pools[0]
				n := 0
				a.answer = func(submit) string {
					if n++; n == 3 {
						return ""
					}
					return yes
				}
				if q.agent {
					f.agentAt(0)
					a.agent.status = func(agent.Share) (agent.Status, bool) {
						n++
						return agent.Accept, n != 3
					}
				}
				f.start()
				f.submit(1, 3)
				f.after(time.Second)
				f.submit(4, 5)
				f.after(answerTimeout - 2*time.Second)
				equal(t, "in time", len(f.fate()), 4)
				f.after(1 * time.Second)
				f.submit(6, 6)
				f.after(2 * tickServing)
				f.wantFate(1, 2, work.Accepted)
				f.wantFate(3, 3, work.Overloaded)
				equal(t, "what its miner is told", f.fate()[3].Text, noAnswer)
				f.wantFate(4, 6, work.Accepted)
				equal(t, "dials", a.dialled(), 1)

				a.do(func() { // now it answers nothing any more
					a.answer = func(submit) string { return "" }
					if q.agent {
						a.agent.status = func(agent.Share) (agent.Status, bool) { return 0, false }
					}
				})
				f.submit(7, 8)
				f.after(answerTimeout + tickServing)
				equal(t, "dials", a.dialled(), 2)
			})
		})
	}
}
