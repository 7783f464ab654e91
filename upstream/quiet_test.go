package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/descriptors"
	"farmproxy/stats"
	"farmproxy/work"
)

// inQuietFarm runs a test with a farm that keeps a quiet link to each pool.
func inQuietFarm(t *testing.T, names string, test func(f *farm)) {
	t.Helper()
	inFarm(t, names, func(f *farm) {
		f.o.Quiet.Links = true
		test(f)
	})
}

// block sends the connection a job that builds on a block.
func (c *conn) block(n int, empty bool) {
	c.pool.do(func() {
		c.pool.jobs++
		line := onBlock(fmt.Sprintf("%s-%d", c.pool.name, c.pool.jobs), n, ",true")
		if empty {
			from, to := strings.LastIndex(line, `["`), strings.LastIndex(line, `"]`)
			line = line[:from] + "[" + line[to+1:]
		}
		c.say(line)
	})
}

// open returns how many connections a pool has.
func (p *scripted) open() (n int) {
	for _, c := range p.every() {
		select {
		case <-c.gone:
		default:
			n++
		}
	}
	return n
}

func (f *farm) compare(pool int) stats.Comparison { return f.book.Compare()[pool] }

// wantOpen checks how many connections each pool has.
func (f *farm) wantOpen(what, want string) {
	f.t.Helper()
	var got []string
	for _, p := range f.pools {
		got = append(got, fmt.Sprintf("%s:%d", p.name, p.open()))
	}
	equal(f.t, what, strings.Join(got, " "), want)
}

// Each pool has one connection: the serving one its link, the others a quiet link, by
// which farmproxy hears what they send, and hands nothing in.
func TestQuietLinksHearWhoTellsFirst(t *testing.T) {
	inQuietFarm(t, "a b c", func(f *farm) {
		f.start()
		f.wantOn("a")
		f.wantOpen("connections", "a:1 b:1 c:1")
		f.submit(1, 20)
		a, b, c := f.pools[0].lane(), f.pools[1].lane(), f.pools[2].lane()
		b.block(7, false)
		f.after(300 * time.Millisecond)
		a.block(7, false)
		f.after(200 * time.Millisecond)
		c.block(7, true)
		f.after(4 * time.Second)
		c.block(7, false)
		f.after(time.Second)
		for i, want := range []struct {
			first uint64
			lag   time.Duration
			empty time.Duration
		}{{0, 300 * time.Millisecond, 0}, {1, 0, 0}, {0, 500 * time.Millisecond, 4 * time.Second}} {
			got := f.compare(i)
			equal(t, got.Name+" first", got.BlocksFirst.Load(), want.first)
			equal(t, got.Name+" lag", got.Lag.Mean(), want.lag)
			equal(t, got.Name+" empty", got.EmptyTime.Mean(), want.empty)
		}
		equal(t, "shares at b and c", len(f.pools[1].shares())+len(f.pools[2].shares()), 0)
		f.wantTold("a-1! a-2!")
		equal(t, "probes", f.compare(1).Probes.Load(), 1)
	})
}

func TestAQuietLinkIsWhereItIsWanted(t *testing.T) {
	inFarm(t, "a b c", func(f *farm) {
		f.o.Quiet = Quiet{Links: true, Except: []string{"c"}}
		f.start()
		f.wantOpen("b alone", "a:1 b:1 c:0")
		settings := f.o.Settings
		settings.Quiet.Except = []string{"b"}
		f.directory.Configure(settings)
		f.after(20 * time.Second)
		f.wantOpen("now c", "a:1 b:0 c:1")
		settings.Quiet.Links = false
		f.directory.Configure(settings)
		f.after(20 * time.Second)
		f.wantOpen("now none", "a:1 b:0 c:0")
		equal(t, "that b has none is its doing", f.compare(1).QuietDisconnects.Load(), 0)
	})
}

// leaves has a pool that miners work for die, so that they go to another one.
func (f *farm) leaves(p *scripted, to string) {
	f.t.Helper()
	p.do(func() { p.refuse = true })
	p.lane().Close()
	f.after(5 * time.Second)
	f.wantOn(to)
}

// A lane's own link hears as much: so the quiet one ends, and comes back after it.
func TestAQuietLinkGivesWayToALane(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		f.start()
		a := f.pools[0]
		f.leaves(a, "b")
		f.wantOpen("a is down", "a:0 b:1")
		equal(t, "disconnects of a", f.compare(0).Disconnects.Load(), 1)
		equal(t, "quiet link to b", f.compare(1).Quiet.Load(), false)
		a.do(func() { a.refuse = false })
		f.after(4 * time.Minute)
		f.wantOn("a")
		f.wantOpen("a is back", "a:1 b:1")
		equal(t, "quiet link to b", f.compare(1).Quiet.Load(), true)
		equal(t, "disconnects of b", f.compare(1).Disconnects.Load()+f.compare(1).QuietDisconnects.Load(), 0)
	})
}

// Pools close a link without shares. They are not taken for ill, and not hammered.
func TestAPoolThatEndsQuietLinksIsWell(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		f.o.Failover.Silence = 24 * time.Hour
		f.start()
		b := f.pools[1]
		for range 30 {
			f.after(2 * time.Minute)
			b.last().Close()
		}
		f.after(time.Minute)
		f.wantOn("a")
		got := f.compare(1)
		equal(t, "up", got.Up.Load(), true)
		equal(t, "failures", got.Failures.Load(), 0)
		equal(t, "disconnects", got.QuietDisconnects.Load(), 30)
		equal(t, "connections", b.dialled(), 31)
		b.do(func() {
			b.on["mining.extranonce.subscribe"] = func(c *conn, r request) bool {
				c.reply(r.ID, yes)
				time.AfterFunc(10*time.Second, func() { c.Close() })
				return true
			}
		})
		before := b.dialled()
		b.last().Close()
		f.after(time.Hour)
		if n := b.dialled() - before; n < 10 || n > 40 {
			t.Errorf("%d connections in an hour to a pool that ends each at once", n)
		}
		b.do(func() { clear(b.on) })
		f.after(time.Minute) // the last one is ended by then
	})
}

// A pool that refuses the user is asked as rarely as by probes: only one that can't be reached
// is looked at more often.
func TestAPoolThatRefusesTheUserOfAQuietLink(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		f.o.Failover.Silence = 24 * time.Hour
		f.start()
		b := f.pools[1]
		b.do(func() {
			b.on["mining.authorize"] = func(c *conn, r request) bool {
				c.reply(r.ID, `"result":false,"error":[24,"Unauthorized",null]`)
				return true
			}
		})
		b.last().Close()
		f.after(time.Minute)
		equal(t, "b is up", f.compare(1).Up.Load(), false)
		before, each := b.dialled(), int(time.Hour/f.goal.failover().ProbeEvery)
		f.after(time.Hour)
		if n := b.dialled() - before; n < each/2 || n > each*8/7+1 { // a probe may come an eighth early
			t.Errorf("b was asked %d times in an hour, want about %d", n, each)
		}
		b.do(func() { clear(b.on) })
		f.after(2 * f.goal.failover().ProbeEvery)
		f.wantOpen("it accepts the user again", "a:1 b:1")
	})
}

// A pool that falls silent has its quiet link ended, by which it is looked at again; one
// that is down is found out as soon.
func TestAPoolBehindAQuietLinkFallsSilent(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		f.o.Failover.Silence = 2 * time.Minute
		f.start()
		keep := func(p *scripted) { p.lane().job(false) }
		for range 3 {
			f.after(time.Minute)
			keep(f.pools[0])
		}
		if n := f.pools[1].dialled(); n != 2 {
			t.Errorf("b was dialled %d times, want once more after two minutes", n)
		}
		f.pools[1].do(func() { f.pools[1].refuse = true })
		f.pools[1].lane().Close()
		f.after(100 * time.Millisecond)
		equal(t, "b is up", f.compare(1).Up.Load(), false)
		wantPart(t, "why not", f.lastError(1), "connection refused")
		f.after(time.Hour)
		before := f.compare(1).Probes.Load()
		f.after(time.Hour)
		if n := f.compare(1).Probes.Load() - before; n < 60 || n > 180 { // after backoff_max, by the clock of who watches
			t.Errorf("b was tried %d times in an hour", n)
		}
		f.pools[1].do(func() { f.pools[1].refuse = false })
		f.after(45 * time.Second)
		equal(t, "b is up again", f.compare(1).Up.Load(), true)
		f.wantOpen("and heard", "a:1 b:1")
	})
}

// A better pool that ends its quiet links again and again is looked at as often as any: whether
// it has died must be known before miners return to it.
func TestABetterPoolThatEndsQuietLinks(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		f.o.Failover.ReturnAfter, f.o.Failover.Silence = 24*time.Hour, 24*time.Hour
		f.start()
		a := f.pools[0]
		f.leaves(a, "b")
		a.do(func() { a.refuse = false })
		for range 10 {
			for tries := 0; !f.compare(0).Quiet.Load(); tries++ {
				if f.after(time.Second); tries > 300 {
					t.Fatal("no quiet link to a")
				}
			}
			f.after(time.Second)
			a.last().Close()
			f.after(10 * time.Millisecond)
		}
		a.do(func() { a.refuse = true })
		f.after(20 * time.Second)
		equal(t, "a is up", f.compare(0).Up.Load(), false)
		f.wantOn("b")
	})
}

// Quiet links that farmproxy has ended are not held against the pool: it is looked at at once
// when it ends the next one.
func TestQuietLinksThatAreNotNeededForAWhile(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		f.o.Failover.Silence = 24 * time.Hour
		f.start()
		settings := f.o.Settings
		for range 5 {
			settings.Quiet.Links = false
			f.directory.Configure(settings)
			f.after(20 * time.Second)
			equal(t, "a quiet link to b", f.compare(1).Quiet.Load(), false)
			settings.Quiet.Links = true
			f.directory.Configure(settings)
			f.after(20 * time.Second)
			equal(t, "a quiet link to b again", f.compare(1).Quiet.Load(), true)
		}
		f.pools[1].do(func() { f.pools[1].refuse = true })
		f.pools[1].lane().Close()
		f.after(100 * time.Millisecond)
		equal(t, "b is up", f.compare(1).Up.Load(), false)
	})
}

// A quiet link may be a goal's that is gone by now. It ends within a second; if the pool dies
// before, that is noticed by the goals that are left.
func TestAQuietLinkOfAGoalThatIsGone(t *testing.T) {
	for _, dies := range []bool{true, false} {
		inQuietFarm(t, "a b c", func(f *farm) {
			f.o.Failover.Silence = 24 * time.Hour
			f.open()
			f.directory.Set(Everybody{route("hall", "main 1: a b | alt 1: a c")})
			f.run()
			equal(t, "a quiet link to c", f.compare(2).Quiet.Load(), true)
			alts := f.pools[2].lane()
			f.directory.Set(Everybody{route("hall", "main 1: a b c")})
			if !dies {
				f.after(2 * time.Second)
				if f.pools[2].lane() == alts {
					t.Error("the quiet link to c is still alt's")
				}
				equal(t, "a quiet link to c", f.compare(2).Quiet.Load(), true)
				return
			}
			f.after(100 * time.Millisecond)
			f.pools[2].do(func() { f.pools[2].refuse = true })
			f.pools[2].lane().Close()
			f.after(100 * time.Millisecond)
			equal(t, "c is up", f.compare(2).Up.Load(), false)
		})
	}
}

// What links leave out is still tried while a quiet link is up: that one leaves it out too.
func TestAQuietLinkDoesNotKeepTrialsAway(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		f.o.Failover.Silence = 24 * time.Hour
		b := f.pools[1]
		b.on["mining.extranonce.subscribe"] = func(c *conn, _ request) bool { c.Close(); return true }
		f.start()
		f.after(5 * time.Minute)
		equal(t, "quiet link to b", f.compare(1).Quiet.Load(), true)
		b.do(func() { delete(b.on, "mining.extranonce.subscribe") })
		f.after(6 * time.Minute)
		equal(t, "left out", f.goal.list()[1].skips(time.Now()), 0)
		f.wantOpen("still one each", "a:1 b:1")
	})
}

// Quiet links take no descriptor that a miner's link may need.
func TestQuietLinksLeaveDescriptorsToMiners(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		files := descriptors.New(26, 10, 16)
		f.o.Descriptors = files
		f.start()
		f.wantOpen("room for both", "a:1 b:1")
		f.after(2 * time.Second)
		if !files.Take(descriptors.Link, 14) || files.Take(descriptors.Link, 1) {
			t.Error("two links keep two descriptors")
		}
		f.pools[1].lane().Close()
		f.after(time.Minute)
		f.wantOpen("the last one is not for a quiet link", "a:1 b:0")
		files.Give(descriptors.Link, 14)
		f.after(time.Minute)
		f.wantOpen("room for both again", "a:1 b:1")
	})
}

// Work that a pool is owed is that of all valid shares for its jobs, here or there.
func TestExpectedWork(t *testing.T) {
	inQuietFarm(t, "a b", func(f *farm) {
		a := f.pools[0]
		a.answer = func(s submit) string {
			if s.Nonce == "00000003" {
				return `"result":null,"error":[23,"Low difficulty share",null]`
			}
			return yes
		}
		f.start()
		f.submit(1, 10)
		before := f.latest().Job
		f.lane().Kept(5, 320, before.Epoch)
		got := f.compare(0)
		equal(t, "expected", got.Expected.Load(), 10*64+320)
		equal(t, "accepted", got.Work[work.Accepted], 9*1024)
		equal(t, "rejected", got.RejectRate(), 0.1)
		equal(t, "difficulty", got.Difficulty.Load(), 1024)

		f.leaves(a, "b")
		f.lane().Kept(1, 32, f.latest().Job.Epoch)
		equal(t, "expected of a", f.compare(0).Expected.Load(), 10*64+320)
		equal(t, "expected of b", f.compare(1).Expected.Load(), 32)

		b := f.latest().Job
		a.do(func() { a.refuse = false })
		for back := time.Now(); f.latest().Job.Epoch == b.Epoch; {
			f.after(time.Second)
			f.pools[1].last().job(false) // not silent
			if time.Since(back) > 4*time.Minute {
				t.Fatal("it never returned")
			}
		}
		f.lane().Kept(1, 16, b.Epoch) // late ones, for the old pool's job
		equal(t, "expected of b, late", f.compare(1).Expected.Load(), 32+16)
		f.after(2 * drainTime)
		f.lane().Kept(1, 8, b.Epoch) // it is over: whoever serves is as near as is known
		equal(t, "expected of a in the end", f.compare(0).Expected.Load(), 10*64+320+8)
		equal(t, "expected of b in the end", f.compare(1).Expected.Load(), 32+16)
	})
}

// The next process hears what this one has heard, and dials its own quiet links.
func TestQuietLinksAfterAHandOver(t *testing.T) {
	inHandOver(t, "a b", func(f *farm) {
		f.o.Quiet.Links = true
		f.start()
		f.wantOpen("before", "a:1 b:1")
		f.pools[0].lane().block(7, false)
		f.after(time.Second)
		counted := f.book.State()
		f.handOver(func() { f.set() })
		if err := f.book.Restore(counted); err != nil {
			t.Fatal(err)
		}
		f.after(time.Second)
		f.wantOpen("after", "a:1 b:1")
		f.pools[0].lane().block(8, false)
		f.pools[1].lane().block(8, false)
		f.after(time.Second)
		equal(t, "blocks of a", f.compare(0).BlocksTold.Load(), 2)
		equal(t, "blocks of b", f.compare(1).BlocksTold.Load(), 1)
		lags := f.compare(1).Lag
		equal(t, "lags", lags.Count(), 1)
	})
}

// An agent pool is told of no worker over a quiet link, and is heard as others are.
func TestAQuietLinkToAnAgentPool(t *testing.T) {
	inAgentFarm(t, "b a", func(f *farm, agent *scripted) {
		f.pools[0], f.pools[1] = f.pools[1], f.pools[0]
		f.others.Pools[0], f.others.Pools[1] = f.others.Pools[1], f.others.Pools[0]
		f.o.Quiet.Links = true
		f.start()
		f.wantOn("a")
		f.submit(1, 3)
		f.pools[0].lane().block(7, false)
		f.after(time.Second)
		agent.lane().say(onBlock("200", 7, ",true"))
		f.after(time.Minute)
		f.wantOpen("connections", "a:1 b:1")
		lags := f.compare(1).Lag
		equal(t, "lag", lags.Mean(), time.Second)
		equal(t, "workers", len(agent.lane().agent.workers), 0)
	})
}
