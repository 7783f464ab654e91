package upstream

import (
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// inDirect runs a test with an account of direct mode.
func inDirect(t *testing.T, test func(f *farm, g *Goal)) {
	t.Helper()
	inAccounts(t, "a", func(f *farm) {
		p := at("a", "robert")
		p.Direct = true
		f.directory.Set(entries{"bob": account("bob", p)})
		test(f, f.login("bob"))
	})
}

func TestDirectMinersHaveLinksOfTheirOwn(t *testing.T) {
	inDirect(t, func(f *farm, g *Goal) {
		equal(t, "direct", g.Direct(), true)
		one, two := f.join("bob", 1), f.join("bob", 2)
		equal(t, "links", f.pools[0].links(), 2)
		if one == two || one.Latest().Job == two.Latest().Job {
			t.Error("two miners share a lane")
		}
		equal(t, "layout", one.Latest().Job.Layout, work.Layout{Lead: 2, Prefix: 2, Room: 4})
		f.submitOn(one, one.Latest().Job, 1, 1)
		f.submitOn(two, two.Latest().Job, 2, 2)
		f.wantFate(1, 2, work.Accepted)
		equal(t, "the links of the shares differ", f.pools[0].shares()[0].conn != f.pools[0].shares()[1].conn, true)
	})
}

func TestDirectLaneWaitsForItsMiner(t *testing.T) {
	inDirect(t, func(f *farm, g *Goal) {
		l := f.join("bob", 1)
		c := f.pools[0].last()
		l.Leave(l.key)
		f.after(letGo / 2)
		c.say(`{"id":null,"method":"mining.set_difficulty","params":[2048]}`)
		c.job(true)
		f.after(letGo/2 - 5*time.Second)
		equal(t, "the lane of one that is back", f.join("bob", 1), l)
		equal(t, "links", f.pools[0].links(), 1)
		equal(t, "dials", f.pools[0].dialled(), 1)
		equal(t, "its last job", l.Latest().Job.PoolID, `"a-2"`)
		equal(t, "its difficulty", l.Latest().Difficulty, 2048)
		l.Leave(l.key)
		f.after(letGo + 2*directTicks*tickServing)
		equal(t, "links a minute later", f.pools[0].links(), 0)
		equal(t, "lanes", len(g.lanes), 0)
	})
}

func TestDirectLinkIsResumed(t *testing.T) {
	inDirect(t, func(f *farm, g *Goal) {
		l := f.join("bob", 1)
		epoch := l.Latest().Job.Epoch
		l.Leave(l.key)
		f.pools[0].last().Close()
		f.after(time.Second)
		l = f.join("bob", 1)
		equal(t, "epoch", l.Latest().Job.Epoch, epoch)
		equal(t, "told the old session", strings.Contains(strings.Join(f.pools[0].last().lines, "\n"), "session-aabb01"), true)
	})
}

// The configuration's pools can be direct as well: then nothing is kept open, but
// probes find out what they give.
func TestDirectGoalOfEverybodyElse(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.others.Pools[1].Direct = true
		f.start()
		equal(t, "links without miners", f.pools[0].links()+f.pools[1].links(), 0)
		_, extranonce2 := f.directory.Shape()
		equal(t, "extranonce2", extranonce2, 4)
		var lanes []*Lane
		for v := range uint16(3) {
			lanes = append(lanes, f.join("anybody", v))
		}
		equal(t, "links", f.pools[0].links(), 3)
		f.pools[0].do(func() { f.pools[0].refuse = true })
		for _, c := range f.pools[0].every() {
			c.Close()
		}
		f.after(5 * time.Second)
		for _, l := range lanes {
			wantLaneOn(t, l, "b")
		}
	})
}

func TestRetiredDirectGoal(t *testing.T) {
	inDirect(t, func(f *farm, g *Goal) {
		l, idle := f.join("bob", 1), f.join("bob", 2)
		idle.Leave(idle.key)
		f.after(directTicks * tickServing)
		f.set()
		equal(t, "rerouted", f.rerouted[0], g)
		f.after(time.Millisecond)
		equal(t, "links that wait for nobody", f.pools[0].links(), 1)
		l.Leave(l.key)
		f.after(time.Millisecond)
		equal(t, "links", f.pools[0].links(), 0)
	})
}
