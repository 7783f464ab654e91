package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// order has the operator order something of pool a; Enabled takes it back.
func (f *farm) order(o PoolOrder) {
	f.directory.Order(map[string]PoolOrder{"a": o})
	f.after(5 * time.Second)
}

// linksOf returns how many links the first two pools have.
func (f *farm) linksOf() string { return fmt.Sprint(f.pools[0].links(), f.pools[1].links()) }

// A pool that is drained or disabled is left for the next one by a clean job, its shares get
// their verdicts, and its link ends. Enabled, it is returned to.
func TestAPoolIsDrained(t *testing.T) {
	for _, o := range []PoolOrder{Drained, Disabled} {
		t.Run(o.String(), func(t *testing.T) {
			inFarm(t, "a b", func(f *farm) {
				f.o.Failover.ReturnAfter, f.o.Failover.Silence = time.Minute, 24*time.Hour
				f.start()
				a := f.pools[0]
				a.do(func() { a.answer = func(submit) string { return "" } })
				f.submit(1, 2)
				f.order(o)
				f.wantOn("b")
				equal(t, "links while shares have no verdict", f.linksOf(), "1 1")
				for _, s := range a.shares() {
					s.conn.reply(s.ID, yes)
				}
				f.after(drainTime)
				f.wantFate(1, 2, work.Accepted)
				equal(t, "links", f.linksOf(), "0 1")
				equal(t, "miners closed", len(f.outgrown)+len(f.dismissed)+len(f.rerouted), 0)

				dials := a.dialled()
				f.after(time.Hour)
				f.wantOn("b")
				equal(t, "is probed", a.dialled() > dials, o == Drained)
				a.do(func() { a.answer = func(submit) string { return yes } })
				f.order(Enabled)
				f.after(10 * time.Minute)
				f.wantOn("a")
				equal(t, "jobs came from", f.path(), "a! b! a!")
			})
		})
	}
}

// path returns the pools that miners got jobs from, one after the other, with ! where the
// first job was clean.
func (f *farm) path() string {
	var path, last string
	for job := range strings.FieldsSeq(f.told()) {
		if pool, _, _ := strings.Cut(job, "-"); pool != last {
			path += " " + pool + strings.TrimLeft(job[len(pool):], "-0123456789")
			last = pool
		}
	}
	return path[1:]
}

// Where there is no other pool, a drained one serves whoever is there, and its link ends
// when nobody is; a disabled one's ends at once, and miners stay on their last job.
func TestTheOnlyPoolIsDrained(t *testing.T) {
	for _, q := range []struct {
		o     PoolOrder
		links string // while a miner is there, and after it has left
	}{{Drained, "1 0"}, {Disabled, "0 0"}} {
		t.Run(q.o.String(), func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				f.start()
				a := f.pools[0]
				f.submit(1, 1)
				f.wantFate(1, 1, work.Accepted)
				f.order(q.o)
				f.after(time.Minute)
				there := a.links()
				f.joined.Leave(f.joined.key)
				f.after(time.Minute)
				equal(t, "links", fmt.Sprint(there, a.links()), q.links)
				equal(t, "miners closed", len(f.outgrown)+len(f.dismissed)+len(f.rerouted), 0)
				f.order(Enabled)
				f.after(time.Minute)
				equal(t, "links when it is enabled again", a.links(), 1)
			})
		})
	}
}

// Where the next pool is slow to connect, shares have verdicts of the disabled one meanwhile;
// if it can't be had at all, the disabled one's link ends all the same.
func TestADisabledPoolServesUntilTheNextOneDoes(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.start()
		f.pools[1].do(func() { f.pools[1].hole = true })
		f.directory.Order(map[string]PoolOrder{"a": Disabled})
		f.after(time.Second)
		f.submit(1, 2)
		f.after(time.Second)
		f.wantFate(1, 2, work.Accepted)
		f.after(2 * time.Minute)
		equal(t, "links", f.linksOf(), "0 0")
	})
}

// What is ordered before a pool is in the table holds when it comes.
func TestAnOrderForAPoolThatIsYetToCome(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.others.Pools = pools("b")
		f.start()
		f.order(Disabled)
		f.changed("a b")
		f.after(time.Hour)
		f.wantOn("b")
		equal(t, "dialled", f.pools[0].dialled(), 0)
	})
}

// A goal whose pools are all drained is not up.
func TestWhetherAGoalIsUp(t *testing.T) {
	inSplit(t, "a b", Everybody{route("hall", "main 1: a | alt 1: b")}, func(f *farm) {
		up := func() string { return fmt.Sprint(f.goalOf("main").Up(), f.goalOf("alt").Up()) }
		equal(t, "at first", up(), "true true")
		f.order(Drained)
		equal(t, "one is drained", up(), "false true")
		f.order(Enabled)
		equal(t, "and enabled", up(), "true true")
		f.pools[1].do(func() { f.pools[1].refuse = true })
		f.pools[1].lane().Close()
		f.after(time.Second)
		equal(t, "the other is down", up(), "true false")
		f.pools[1].do(func() { f.pools[1].refuse = false })
		f.after(time.Minute)
		equal(t, "and up again", up(), "true true")
	})
}
