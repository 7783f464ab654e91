package upstream

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/work"
)

// Mistakes of an agent pool, and their effect on the miners.

func TestAgentPoolsFaults(t *testing.T) {
	response := string(agent.AppendSubmitResponse(nil, 777, agent.Accept))
	for _, q := range []struct {
		name      string
		out       string
		malformed uint64
		dropped   string // why the link ends; "": it does not
	}{
		{"SET_DIFF of a session that is not known", string(agent.AppendSetDifficulty(nil, 3, []uint16{0x777})), 1, ""},
		{"SET_DIFF of one that is, and of one that is not", string(agent.AppendSetDifficulty(nil, 0, []uint16{1, 0xffff})), 1, ""},
		{"SET_DIFF of none", "\x7f\x05\x07\x00\x03\x00\x00", 0, ""},
		{"many SET_DIFFs of sessions that are not known", strings.Repeat(string(agent.AppendSetDifficulty(nil, 3, []uint16{0x777})), 100), 100, ""},
		{"SET_DIFF that counts more sessions than it has", "\x7f\x05\x09\x00\x0d\x02\x00\x01\x00", 1, ""},
		{"SET_DIFF without a count", "\x7f\x05\x05\x00\x0d", 1, ""},
		{"SET_DIFF of 2^200", "\x7f\x05\x09\x00\xc8\x01\x00\x01\x00", 1, ""},
		{"SUBMIT_RESPONSE of another length", "\x7f\x10\x0b\x00\x00\x00\x01\x00\x00\x00\x00", 1, ""},
		{"a command that is not known", "\x7f\x42\x06\x00ab", 1, ""},
		{"many of them: a newer pool", strings.Repeat("\x7f\x42\x06\x00ab", 100), 100, ""},
		{"a frame of ours", string(agent.AppendUnregister(nil, 1)), 1, ""},
		{"an empty frame of 4 bytes", "\x7f\x42\x04\x00", 1, ""},
		{"the largest frame", "\x7f\x42\xff\xff" + strings.Repeat("{", 65531), 1, ""},
		{"a verdict on a share never sent", response, 1, ""},
		{"ten of them", strings.Repeat(response, maxMalformed), maxMalformed, ""},
		{"eleven", strings.Repeat(response, maxMalformed+1), maxMalformed + 1, "malformed lines or frames in a row"},
		{"a frame shorter than its header", "\x7f\x05\x03\x00", 1, "length is below 4"},
		{"garbage instead of a line", "{garbage}\n", 1, ""},
		{"another protocol", "HTTP/1.1 200 OK\n", 1, "first byte is not '{'"},
		{"half a frame", "\x7f\x05\x09\x00\x0d", 1, "half a frame"},
		{"half a header", "\x7f", 1, "half a frame"},
	} {
		inAgentFarm(t, "a", func(f *farm, a *scripted) {
			var log bytes.Buffer
			f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
			l := f.start().worker(1, "acct.rig1")
			first := l.serving
			a.last().out <- q.out
			f.after(time.Second + frameTimeout)
			equal(t, q.name+": malformed", l.serving.book.Malformed.Load(), q.malformed)
			if q.dropped == "" {
				equal(t, q.name+": the link stays", l.serving, first)
			} else {
				wantPart(t, q.name, log.String(), "link lost")
				wantPart(t, q.name, log.String(), q.dropped)
			}
			// The miner still has its lane, its prefix and its session, and goes on.
			f.find(l, 1, 1)
			f.after(time.Second)
			f.wantFate(1, 1, work.Accepted)
			equal(t, q.name+": who works", a.last().agent.workers[1], "rig1")
		})
	}
}

// A frame may arrive byte by byte.
func TestAgentFramesInPieces(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		l := f.start().worker(1, "acct.rig1")
		f.worker(2, "acct.rig2")
		out := string(agent.AppendSetDifficulty(nil, 3, []uint16{1})) + notify("8", false) + "\n" +
			string(agent.AppendSetDifficulty(nil, 4, []uint16{2})) + notify("9", false) + "\n"
		first := l.serving
		for i := range len(out) {
			a.last().out <- out[i : i+1]
			f.after(frameTimeout / 20)
		}
		f.after(frameTimeout)
		job := l.Latest().Job
		equal(t, "link", l.serving, first)
		equal(t, "job", job.PoolID, `"9"`)
		equal(t, "difficulties", fmt.Sprint(job.DifficultyFor(1), job.DifficultyFor(2)), "8 16")
	})
}

// A dead link takes its session ids and job ids with it: unanswered shares are lost,
// and all workers are registered again.
func TestAgentLinkDies(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		a.agent.status = func(s agent.Share) (agent.Status, bool) { return agent.Accept, s.Nonce > 2 }
		l := f.start().worker(1, "acct.rig1")
		f.worker(2, "acct.rig2")
		f.worker(3, "acct.rig3")
		f.find(l, 1, 1)
		f.find(l, 2, 2)
		f.after(time.Second)
		a.did()
		a.do(func() { a.refuse = true })
		a.last().Close()
		f.after(time.Millisecond)
		f.wantFate(1, 2, work.LinkLost)
		f.find(l, 1, 3) // for a job that nobody accepts any more
		f.wantFate(3, 3, work.LinkLost)
		l.Leave(Prefix{Value: 3, Len: 2})
		l.Rename(Member{Prefix: Prefix{Value: 2, Len: 2}, Login: "acct.other"})
		f.after(10 * time.Second)
		equal(t, "who is kept in mind", len(l.roster.entries), 2)
		a.do(func() { a.refuse = false })
		f.after(30 * time.Second)
		f.wantDid(a, "+0001 rig1 cgminer, +0002 other")
		f.find(l, 1, 4)
		f.find(l, 2, 5)
		f.after(time.Second)
		f.wantFate(4, 5, work.Accepted)
	})
}

// From Stratum to an agent pool and back: the same miners, the same prefixes.
func TestAgentFailover(t *testing.T) {
	inFarm(t, "s a", func(f *farm) {
		s, a := f.pools[0], f.agentAt(1)
		f.start()
		l := f.worker(1, "acct.rig1")
		f.worker(2, "acct.rig2")
		wantLaneOn(t, l, "s")
		stratum := l.Latest().Job
		equal(t, "own difficulties on Stratum", stratum.Own == nil, true)
		f.find(l, 1, 1)
		f.after(time.Second)
		s.do(func() { s.refuse = true })
		s.lane().Close()
		f.after(time.Second)
		wantLaneOn(t, l, "a")
		f.wantDid(a, "+0001 rig1 cgminer, +0002 rig2 cgminer")
		f.find(l, 1, 2)
		f.find(l, 2, 3)
		f.after(time.Second)
		f.wantDid(a, "0001 rig1 00000002, 0002 rig2 00000003")
		l.Leave(Prefix{Value: 2, Len: 2})
		f.after(time.Second)
		f.wantDid(a, "-0002")

		// Back on Stratum, late shares go to the agent pool of their job; nobody is
		// registered or unregistered there any more.
		agent := l.Latest().Job
		s.do(func() { s.refuse = false })
		f.after(5 * time.Minute)
		wantLaneOn(t, l, "s")
		f.find(l, 1, 4)
		f.after(time.Second)
		f.wantFate(1, 4, work.Accepted)
		f.wantDid(a, "")
		equal(t, "the agent pool's job is another epoch's", l.Latest().Job.Epoch != agent.Epoch, true)
	})
}

func TestAgentDrainingLink(t *testing.T) {
	inFarm(t, "s a", func(f *farm) {
		s, a := f.pools[0], f.agentAt(1)
		s.refuse = true
		l := f.start().worker(1, "acct.rig1")
		wantLaneOn(t, l, "a")
		job := l.Latest().Job
		s.do(func() { s.refuse = false })
		for l.goal.list()[0].book.Active.Load() == false {
			f.after(100 * time.Millisecond)
		}
		a.did()
		f.worker(2, "acct.rig2")
		l.Leave(Prefix{Value: 1, Len: 2})
		for value := range uint16(2) {
			late := share(job, uint32(value)+1)
			late.Prefix, late.Worker = value+1, f.book.Worker(fmt.Sprintf("acct.rig%d", value+1))
			l.Submit(late)
		}
		f.after(time.Second)
		f.wantDid(a, "0001 rig1 00000001, +0002 rig2 cgminer, 0002 rig2 00000002")
		f.wantFate(1, 2, work.Accepted)
		equal(t, "faults", len(a.agent.faults), 0)
	})
}

// 65,535 workers per link, each registered once: btcpool has no session 0xffff. Stratum
// pools have 65,536 (TestUsedUpGroup).
func TestAgentLinkIsFull(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		f.o.FirstPrefix = 0xfff0
		f.start()
		seen := make(map[Prefix]bool)
		var last Prefix
		for i := range 1 << 16 {
			p := take(t, f, 2)
			if seen[p] || p.noSID() || !f.goal.Fits(p) {
				t.Fatalf("%v is handed out", p)
			}
			seen[p], last = true, p
			f.goal.Join(Member{Prefix: p, Login: fmt.Sprintf("acct.rig%d", i)})
		}
		f.after(10 * time.Second)
		equal(t, "links", a.links(), 2)
		equal(t, "on the first", len(a.every()[0].agent.workers), 1<<16-1)
		equal(t, "on the second", len(a.every()[1].agent.workers), 1)
		equal(t, "frames", len(a.agent.frames), 1<<16)
		if writes := a.every()[0].writes; writes > 2000 {
			t.Errorf("%d writes", writes) // of what reads of 4 kB make of them
		}
		f.find(f.goal.Join(Member{Prefix: last, Login: "acct.rig65535"}), last.Value, 1)
		f.after(time.Second)
		f.wantFate(1, 1, work.Accepted)
	})
}

// If an account's pool may be an agent port, nobody gets 0xffff there either; a miner
// that already has it can't go there.
func TestNoSessionAtAgents(t *testing.T) {
	inFarm(t, "s a", func(f *farm) {
		f.others.Pools = f.others.Pools[:1]
		f.o.FirstPrefix = 0xffff
		f.start()
		p := take(t, f, 2)
		equal(t, "of Stratum pools", p.Value, 0xffff)
		pool := at("a", "bob")
		pool.Dialect, pool.URL = Agent, "agent+tcp://a:1"
		f.setAll(entries{"bob": account("bob", pool)})
		equal(t, "fits the Stratum goal", f.goal.Fits(p), true)
		equal(t, "fits the agent goal", f.login("bob").Fits(p), false)
		f.directory.Prefixes().Release(p, nil)
		equal(t, "the next", take(t, f, 2).Value, 0)
	})
}

// Miners connect, work, change their names and leave, on many goroutines; links die;
// verdicts come late, in any order. There is no share of an unregistered session, no
// session is registered twice, and each share gets one verdict, the right one.
func TestAgentManyWorkersAtOnce(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		type answer struct {
			c      *conn
			index  uint16
			status agent.Status
		}
		var late []answer
		r, pool := rand.New(rand.NewPCG(3, 4)), rand.New(rand.NewPCG(5, 6))
		a.agent.status = func(s agent.Share) (agent.Status, bool) {
			status := agent.Accept
			if s.Nonce%3 == 0 {
				status = agent.LowDifficulty
			}
			c := a.conns[len(a.conns)-1]
			if pool.IntN(3) == 0 {
				late = append(late, answer{c, c.agent.index - 1, status})
				return 0, false
			}
			return status, true
		}
		f.start()
		var nonces struct {
			sync.Mutex
			n uint32
		}
		var all sync.WaitGroup
		for i := range uint64(40) {
			all.Go(func() {
				r := rand.New(rand.NewPCG(i, 1))
				var l *Lane
				p := Prefix{Value: uint16(i), Len: 2}
				for range 60 {
					m := Member{Prefix: p, Login: fmt.Sprintf("acct.rig%d", r.IntN(3))}
					switch {
					case l == nil:
						l = f.goal.Join(m)
					case r.IntN(3) == 0:
						l.Leave(p)
						l = nil
					default:
						l.Rename(m)
					}
					for range r.IntN(4) {
						if l != nil && l.Latest().Job != nil {
							nonces.Lock()
							nonces.n++
							n := nonces.n
							nonces.Unlock()
							f.find(l, p.Value, n)
						}
					}
					time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
				}
				if l != nil {
					l.Leave(p)
				}
			})
		}
		for range 10 {
			f.after(time.Second)
			a.do(func() {
				rand.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
				for _, x := range late {
					x.c.tellVerdict(x.index, x.status)
				}
				late = nil
			})
			if r.IntN(4) == 0 {
				a.last().Close()
			}
		}
		a.do(func() {
			a.agent.status = func(s agent.Share) (agent.Status, bool) { return agent.Accept, true }
		})
		all.Wait()
		f.after(2 * answerTimeout)
		fate := f.fate()
		equal(t, "verdicts", uint32(len(fate)), nonces.n)
		lost := 0
		for nonce, v := range fate {
			switch {
			case v.Verdict == work.LinkLost:
				lost++
			case v.Verdict == work.LowDifficulty && nonce%3 != 0:
				t.Errorf("share %d has another one's verdict", nonce)
			}
		}
		equal(t, "workers in the end", len(a.last().agent.workers), 0)
		if len(fate) < 1000 || lost > len(fate)/2 {
			t.Errorf("%d shares, %d lost: this was no test", len(fate), lost)
		}
	})
}

func TestRoster(t *testing.T) {
	r, w, other := newRoster(), new(aWire), new(link)
	k := linkOn(w)
	p := func(value uint16) Prefix { return Prefix{Value: value, Len: 2} }
	took := func(want string, k *link, n int, more bool) {
		t.Helper()
		changes, rest := r.take(k, nil, n)
		var got []string
		for _, c := range changes {
			if c.there {
				got = append(got, fmt.Sprintf("+%d %s", c.sid, c.login))
			} else {
				got = append(got, fmt.Sprintf("-%d", c.sid))
			}
		}
		equal(t, "changes", strings.Join(got, " "), want)
		equal(t, "more", rest, more)
	}
	r.put(Member{Prefix: p(3), Login: "c"})
	r.put(Member{Prefix: p(1), Login: "a"})
	r.put(Member{Prefix: p(2), Login: "b"})
	r.remove(p(2))
	took("", k, 9, false) // it does not serve the lane
	r.attach(k)
	took("", other, 9, false)
	took("+1 a", k, 1, true)
	took("+3 c", k, 9, false)
	equal(t, "woken by nothing", w.woken, 0)
	r.put(Member{Prefix: p(1), Login: "a"})
	equal(t, "woken by what is known", w.woken, 0)
	r.remove(p(3))
	r.put(Member{Prefix: p(4), Login: "d"})
	r.remove(p(4))
	r.put(Member{Prefix: p(3), Login: "x"})
	equal(t, "woken", w.woken, 1)
	took("+3 x -4", k, 9, false)
	r.remove(p(1))
	r.attach(other)
	took("+3 x", other, 9, false)
	r.attach(nil)
	r.remove(p(3))
	equal(t, "entries", len(r.entries), 0)
	equal(t, "changes", len(r.changed), 0)

	var none *roster // of a lane without agent pools
	none.put(Member{Prefix: p(1)})
	none.remove(p(1))
	none.attach(nil)
}

// linkOn returns a link that can only be woken.
func linkOn(w Wire) *link {
	k := new(link)
	k.wire.Store(&w)
	return k
}

// The number of sessions bounds the changes, whatever comes and goes while a link does
// not write.
func TestRosterIsBounded(t *testing.T) {
	r, k := newRoster(), linkOn(new(aWire))
	r.attach(k)
	for i := range 1 << 18 {
		m := Member{Prefix: Prefix{Value: uint16(i), Len: 2}, Login: fmt.Sprint(i)}
		r.put(m)
		r.remove(m.Prefix)
	}
	equal(t, "changes", len(r.changed), 1<<16)
	changes, more := r.take(k, nil, 1<<20)
	equal(t, "taken", len(changes), 1<<16)
	equal(t, "more", more, false)
	equal(t, "each once", len(slices.CompactFunc(changes, func(x, y change) bool { return x.sid == y.sid })), 1<<16)
	equal(t, "entries", len(r.entries), 0)
}
