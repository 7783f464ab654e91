package upstream

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/work"
)

func TestAgentHandshakeTranscript(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		f.start()
		want := []string{
			`{"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`,
			`{"id":"conf","method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}`,
			`{"id":"sub","method":"mining.subscribe","params":["btccom-agent/test"]}`,
			`{"id":"auth","method":"mining.authorize","params":["farm",""]}`,
			`{"id":"caps_again","method":"agent.get_capabilities","params":[["verrol","subres"]]}`,
		}
		equal(t, "transcript", strings.Join(a.last().lines, "\n"), strings.Join(want, "\n"))
		equal(t, "writes", a.last().writes, 2)
		job := f.latest().Job
		equal(t, "mask", job.Mask, 0x1fffe000)
		equal(t, "layout", job.Layout, work.Layout{Lead: 2, Prefix: 2, Room: 4})
		equal(t, "own difficulties", job.Own != nil, true)
	})
}

// The frames are those of the vectors, which were computed from the sources of
// BTCAgent and btcpool.
func TestAgentFramesByteForByte(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		a.jobs = 0xa8
		f.start()
		l := f.worker(0x1122, "acct.s1099")
		job := l.Latest().Job
		equal(t, "job", job.PoolID, `"169"`)
		for _, q := range []struct{ version, ntime uint32 }{
			{job.Version, job.NTime},
			{job.Version, 0x57bd2ad0},
			{job.Version ^ 0x00120000, job.NTime},
			{job.Version ^ 0x00120000, 0x57bd2ad0},
		} {
			s := share(job, 0xaabbccdd)
			s.Prefix = 0x1122
			s.SetExtranonce2(0x11, 0x22, 0x33, 0x44)
			s.Version, s.NTime = q.version, q.ntime
			l.Submit(s)
		}
		f.after(time.Second)
		l.Leave(Prefix{Value: 0x1122, Len: 2})
		f.after(time.Second)
		want := []string{
			"7f011400221163676d696e657200733130393900",
			"7f020f00a9221144332211ddccbbaa",
			"7f031300a9221144332211ddccbbaad02abd57",
			"7f121300a9221144332211ddccbbaa00001200",
			"7f131700a9221144332211ddccbbaad02abd5700001200",
			"7f0406002211",
		}
		equal(t, "frames", strings.Join(a.agent.frames, "\n"), strings.Join(want, "\n"))
	})
}

// A prefix of one byte, and an extranonce2 of two, are as good.
func TestAgentSessionsOfShortPrefixes(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		f.start()
		p := Prefix{Value: 0x7f, Len: 1}
		l := f.goal.Join(Member{Prefix: p, Login: "acct.rig1"})
		f.after(time.Second)
		s := share(l.Latest().Job, 1)
		s.Prefix = p.Value
		s.SetExtranonce2(0x11, 0x22)
		l.Submit(s)
		f.after(time.Second)
		frame, _ := hex.DecodeString(a.agent.frames[len(a.agent.frames)-1])
		got, _ := agent.Frame(frame).Submit()
		equal(t, "session", got.SID, 0x7f)
		equal(t, "extranonce2", got.Extranonce2, 0x11220000)
		f.wantFate(1, 1, work.Accepted)
	})
}

func TestAgentNames(t *testing.T) {
	for _, q := range []struct{ user, account, fixed, login, want string }{
		{"farm", "", "", "acct.rig1", "rig1"},
		{"farm", "", "", "acct.hall.rig1", "hall.rig1"},
		{"farm", "", "", "rig1", "rig1"},
		{"farm", "", "", "farm", "farm"},
		{"farm", "", "", "acct.", "acct."},
		{"farm", "", "", "acct.r!g 1", "rg1"},
		{"farm", "", "", "", "__default__"},
		{"farm", "", "", "!?", "__default__"},
		{"farm", "", "hall 1", "acct.rig1", "hall1"},
		{"bob", "7804e4ad", "", "7804e4ad.rig1", "rig1"},
		{"bob", "ac.me", "", "ac.me.rig1", "rig1"},
	} {
		a := &agentDialect{protocol: &protocol{assignment: &assignment{goal: &Goal{account: q.account}, to: Pool{User: q.user, FixedWorker: q.fixed}}}}
		equal(t, q.login+" of "+q.user, a.registrationOf(member{login: q.login}).worker, q.want)
	}
}

// Workers are registered before their first share, and unregistered after their
// last one.
func TestAgentRegisters(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		early := f.start().worker(1, "acct.rig1")
		f.wantDid(a, "+0001 rig1 cgminer")
		l := f.goal.Join(Member{Prefix: Prefix{Value: 2, Len: 2}, Login: "acct.rig2"})
		f.findAs("acct.rig2", l, 2, 2)
		f.find(l, 1, 1)
		f.findAs("acct.rig2", l, 2, 3)
		l.Leave(Prefix{Value: 2, Len: 2})
		f.after(time.Second)
		f.wantDid(a, "+0002 rig2, 0002 rig2 00000002, 0001 rig1 00000001, 0002 rig2 00000003, -0002")
		early.Rename(Member{Prefix: Prefix{Value: 1, Len: 2}, Login: "acct.other"})
		f.after(time.Second)
		f.wantDid(a, "-0001, +0001 other")
		early.Rename(Member{Prefix: Prefix{Value: 1, Len: 2}, Login: "other"})
		f.after(time.Second)
		f.wantDid(a, "") // the pool can't see the difference
		early.Leave(Prefix{Value: 1, Len: 2})
		f.worker(1, "acct.other")
		f.goal.Join(Member{Prefix: Prefix{Value: 1, Len: 2}, Login: "acct.other", Agent: "bmminer"})
		f.after(time.Second)
		f.wantDid(a, "-0001, +0001 other cgminer, -0001, +0001 other bmminer")
		f.wantFate(1, 3, work.Accepted)
	})
}

// Who is back before its last verdict was never away.
func TestAgentWorkerThatIsBackAtOnce(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		a.agent.status = func(agent.Share) (agent.Status, bool) { return 0, false }
		l := f.start().worker(1, "acct.rig1")
		f.find(l, 1, 1)
		l.Leave(Prefix{Value: 1, Len: 2})
		f.worker(1, "acct.rig1")
		a.last().respond(0, agent.Accept)
		f.after(time.Second)
		f.wantDid(a, "+0001 rig1 cgminer, 0001 rig1 00000001")
		f.wantFate(1, 1, work.Accepted)
	})
}

// btcpool checks shares in the background, and does not answer those of a
// session that is gone by then: one answer less, and all later ones are wrong.
func TestAgentUnregistersAfterTheLastVerdict(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		a.agent.status = func(agent.Share) (agent.Status, bool) { return 0, false }
		l := f.start().worker(1, "acct.rig1")
		f.worker(2, "acct.rig2")
		f.find(l, 1, 1)
		f.find(l, 2, 2)
		l.Leave(Prefix{Value: 1, Len: 2})
		l.Rename(Member{Prefix: Prefix{Value: 2, Len: 2}, Login: "acct.other"})
		f.after(10 * time.Second)
		f.wantDid(a, "+0001 rig1 cgminer, +0002 rig2 cgminer, 0001 rig1 00000001, 0002 rig2 00000002")
		a.last().respond(1, agent.Accept)
		f.after(time.Second)
		f.wantDid(a, "-0002, +0002 other")
		a.last().respond(0, agent.Accept)
		f.after(time.Second)
		f.wantDid(a, "-0001")
	})
}

// Where the window is full, a worker that left is unregistered when its shares
// have gone through.
func TestAgentFullWindow(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		a.agent.status = func(agent.Share) (agent.Status, bool) { return 0, false }
		l := f.start().worker(1, "acct.rig1")
		f.worker(2, "acct.rig2")
		for _, n := range []int{maxQueue, maxQueue, 9} {
			for range n {
				f.find(l, 1, 7)
			}
			f.after(time.Second)
		}
		f.find(l, 2, 8)
		l.Leave(Prefix{Value: 1, Len: 2})
		l.Leave(Prefix{Value: 2, Len: 2})
		f.after(time.Second)
		equal(t, "sent", a.agent.shares, maxInflight)
		for i := range maxInflight + 10 {
			if i%(1<<12) == 0 {
				f.after(time.Second)
			}
			a.last().respond(uint16(i), agent.Accept)
		}
		f.after(time.Second)
		equal(t, "sent", a.agent.shares, maxInflight+10)
		last := a.agent.log[len(a.agent.log)-3:]
		equal(t, "the last frames", strings.Join(last, ", "), "0002 rig2 00000008, -0001, -0002")
		equal(t, "accepted", l.serving.book.Verdicts[work.Accepted].Load(), maxInflight+10)
	})
}

// Each worker's difficulty is in force from the job on before which it came.
func TestAgentDifficulties(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		exponents := map[string]uint8{"rig1": 13, "rig2": 9}
		a.agent.exponent = func(worker string) uint8 { return exponents[worker] }
		l := f.start().worker(1, "acct.rig1")
		f.worker(2, "acct.rig2")
		at := func(want ...float64) {
			t.Helper()
			job := l.Latest().Job
			got := []float64{job.DifficultyFor(1), job.DifficultyFor(2), job.DifficultyFor(3)}
			if !slices.Equal(got, want) {
				t.Errorf("difficulties at job %s: %v, want %v", job.PoolID, got, want)
			}
		}
		first := l.Latest().Job
		at(1024, 1024, 1024)
		c := a.last()
		c.job(false)
		f.after(0)
		at(8192, 512, 1024)
		a.do(func() { exponents["rig1"] = 14; c.setDifficulties() })
		f.after(time.Second)
		at(8192, 512, 1024)
		c.say(`{"id":null,"method":"mining.set_difficulty","params":[2048]}`)
		c.job(true)
		f.after(0)
		at(16384, 512, 2048)
		equal(t, "for those without one", l.Latest().Difficulty, 2048)
		equal(t, "of the first job", first.DifficultyFor(1), 1024)

		l.Leave(Prefix{Value: 1, Len: 2})
		f.after(time.Second)
		c.out <- string(agent.AppendSetDifficulty(nil, 20, []uint16{1})) // it did not know
		a.do(func() { exponents["rig2"] = 8 })
		c.job(false)
		f.after(0)
		equal(t, "malformed", l.serving.book.Malformed.Load(), 0)
		at(2048, 256, 2048)
		l = f.worker(1, "acct.rig1")
		a.do(func() { exponents["rig1"] = 5 })
		c.job(false)
		f.after(0)
		at(32, 256, 2048)
		l.Leave(Prefix{Value: 1, Len: 2})
		f.after(time.Second)
		f.worker(1, "acct.rig1")
		c.job(false) // the first one since it left: the pool told it its own anew
		f.after(0)
		at(32, 256, 2048)
	})
}

func TestAgentVerdicts(t *testing.T) {
	for _, q := range []struct {
		status agent.Status
		want   work.Verdict
		code   int
		text   string
	}{
		{agent.Accept, work.Accepted, 0, ""},
		{agent.Solved, work.Accepted, 0, ""},
		{agent.AcceptStale, work.Accepted, 0, ""},
		{agent.Stale, work.Stale, 21, "Stale share"},
		{agent.UnknownJob, work.UnknownJob, 21, "Job not found"},
		{agent.Duplicate, work.Duplicate, 22, "Duplicate share"},
		{agent.LowDifficulty, work.LowDifficulty, 23, "Low difficulty share"},
		{agent.Unauthorized, work.Unauthorized, 24, "Unauthorized worker"},
		{agent.TimeTooNew, work.BadTime, 20, "Time too new"},
		{agent.IllegalVersion, work.BadVersion, 20, "Version bits outside the mask"},
		{12345, work.PoolRejected, 20, "Rejected by the pool"},
	} {
		inAgentFarm(t, "a", func(f *farm, a *scripted) {
			a.agent.status = func(agent.Share) (agent.Status, bool) { return q.status, true }
			l := f.start().worker(1, "acct.rig1")
			f.find(l, 1, 1)
			f.after(time.Second)
			v := f.fate()[1]
			equal(t, "verdict", v.Verdict, q.want)
			equal(t, "code", v.Code, q.code)
			equal(t, "text", v.Text, q.text)
		})
	}
}

// The pool numbers shares with 16 bits, and answers in any order.
func TestAgentIndexWraps(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		odd := func(s agent.Share) agent.Status {
			if s.Nonce%2 == 1 {
				return agent.Duplicate
			}
			return agent.Accept
		}
		var late []agent.Share
		a.agent.status = func(s agent.Share) (agent.Status, bool) {
			late = append(late, s)
			return 0, false
		}
		l := f.start().worker(1, "acct.rig1")
		const batch, n = 1 << 12, 1<<16 + 3<<12
		for first := uint32(0); first < n; first += batch {
			for i := range uint32(batch) {
				f.find(l, 1, first+i)
			}
			f.after(time.Second)
			for i, s := range slices.Backward(late) {
				a.last().respond(uint16(first)+uint16(i), odd(s))
			}
			late = late[:0]
			f.after(time.Second)
		}
		fate := f.fate()
		equal(t, "verdicts", len(fate), n)
		for nonce, v := range fate {
			want := work.Accepted
			if nonce%2 == 1 {
				want = work.Duplicate
			}
			if v.Verdict != want {
				t.Fatalf("share %d: %v, want %v", nonce, v.Verdict, want)
			}
		}
	})
}

func TestAgentWithoutResponses(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		a.agent.capabilities = `"verrol"`
		l := f.start().worker(1, "acct.rig1")
		for n := range uint32(1000) {
			f.find(l, 1, n+1)
		}
		l.Leave(Prefix{Value: 1, Len: 2})
		f.after(time.Second)
		f.wantFate(1, 1000, work.Accepted)
		equal(t, "the last frame", a.agent.log[len(a.agent.log)-1], "-0001")
		equal(t, "in flight", l.serving.book.InFlight.Load(), 0)
		equal(t, "said", f.goal.list()[0].muteLogged, true)
	})
}

// Without version rolling in frames no miner may roll, whatever configure says.
func TestAgentWithoutVersionRolling(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		a.agent.capabilities = `"subres"`
		l := f.start().worker(1, "acct.rig1")
		equal(t, "mask", l.Latest().Mask, 0)
		a.last().say(`{"id":null,"method":"mining.set_version_mask","params":["1fffe000"]}`)
		a.last().job(true)
		f.after(0)
		equal(t, "mask", l.Latest().Mask, 0)
		equal(t, "mask of the job", l.Latest().Job.Mask, 0)
	})
}

func TestNoAgentPort(t *testing.T) {
	for _, q := range []struct {
		name  string
		setup func(a *scripted)
		want  string
	}{
		{"a small extranonce2", func(a *scripted) { a.size = 4 }, "it gives an extranonce2 of 4 bytes, an agent port gives 8"},
		{"Stratum", func(a *scripted) { a.agent.capabilities = "-" }, `it does not know agent.get_capabilities: it said "Method not found"`},
		{"yes to everything", func(a *scripted) {
			a.on["agent.get_capabilities"] = func(c *conn, r request) bool { c.reply(r.ID, yes); return true }
		}, "does not know agent.get_capabilities"},
		{"Stratum without a word", func(a *scripted) {
			a.on["agent.get_capabilities"] = func(*conn, request) bool { return true }
		}, "agent.get_capabilities got no answer within 15s"},
		{"Stratum that hangs up", func(a *scripted) {
			a.on["agent.get_capabilities"] = func(c *conn, _ request) bool { c.Close(); return true }
		}, "after agent.get_capabilities: the pool closed the connection"},
		{"nothing", func(a *scripted) { a.mute = true }, "agent.get_capabilities got no answer within 15s"},
	} {
		inAgentFarm(t, "a", func(f *farm, a *scripted) {
			q.setup(a)
			f.start()
			f.after(stepTimeout)
			wantPart(t, q.name, f.lastError(0), `pool "a" is not an agent port: `)
			wantPart(t, q.name, f.lastError(0), q.want)
			wantPart(t, q.name, f.lastError(0), "use stratum+tcp://")
		})
	}
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		a.badUser = "farm"
		f.start()
		wantPart(t, "refused", f.lastError(0), `refused user "farm": it said "Unknown user"`)
	})
}

// Job ids are one byte in a share.
func TestAgentJobIDs(t *testing.T) {
	for _, q := range []struct {
		id string
		ok bool
	}{{"0", true}, {"7", true}, {"255", true}, {"256", false}, {"-1", false}, {"", false}, {"1f", false}, {"0007", false}, {`"7"`, true}, {`""`, false}, {`"`, false}, {`"256"`, false}} {
		_, ok := shortJobID(q.id)
		equal(t, fmt.Sprintf("%q", q.id), ok, q.ok)
	}
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		f.start()
		a.last().say(notify("a-2", true))
		f.after(0)
		f.wantTold("1!")
		equal(t, "malformed", f.lane().serving.book.Malformed.Load(), 1)
	})
}
