package upstream

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// toldChanges are what a directory says of miners that change their pool.
type toldChanges struct {
	mu   sync.Mutex
	list []string
}

var whyNames = [...]string{LinkLost: "lost", PoolIll: "ill", BetterIsBack: "back", PoolOrdered: "ordered", PoolTakenOut: "taken out"}

func (c *toldChanges) add(x PoolChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprint(x.Miners, " ", x.From, ">", x.To, " ", whyNames[x.Why])
	for _, more := range []string{x.Worker, x.Trouble} {
		if more != "" {
			text += " " + more
		}
	}
	c.list = append(c.list, text)
}

// want fails unless those are the changes since the last call.
func (c *toldChanges) want(t *testing.T, what string, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := strings.Join(c.list, "; "); got != strings.Join(want, "; ") {
		t.Errorf("%s: told %q, want %q", what, got, want)
	}
	c.list = nil
}

// Whoever wants to know is told how many miners work at another pool now, and why; nobody
// is told of lanes without miners, or of a link that comes back.
func TestPoolChangesAreTold(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		var told toldChanges
		f.o.Changed = told.add
		f.o.Failover.ReturnAfter, f.o.Failover.Silence = time.Minute, 24*time.Hour
		f.start()
		a := f.pools[0]
		a.last().Close()
		f.after(time.Second)
		a.do(func() { a.refuse = true })
		a.last().Close()
		f.after(time.Minute)
		told.want(t, "without a miner")
		a.do(func() { a.refuse = false })
		f.after(10 * time.Minute)
		f.wantOn("a") // a miner has come
		f.goal.Join(Member{Prefix: Prefix{Value: 1, Len: 2}})
		a.last().Close()
		f.after(time.Second)
		told.want(t, "a link that is back")

		a.do(func() { a.refuse = true })
		a.last().Close()
		f.after(time.Minute)
		f.wantOn("b")
		told.want(t, "a pool that is gone", "2 a>b lost connect to a:1: connection refused")
		a.do(func() { a.refuse = false })
		f.after(10 * time.Minute)
		told.want(t, "a pool that is back", "2 b>a back")
		f.order(Drained)
		told.want(t, "drained", "2 a>b ordered")
		f.order(Enabled)
		f.after(10 * time.Minute)
		told.want(t, "enabled", "2 b>a back")
	})
}

// The only miner of a link is told by its worker's name.
func TestAPoolChangeOfOneMiner(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		var told toldChanges
		f.o.Changed = told.add
		for i := range f.others.Pools {
			f.others.Pools[i].Direct = true
		}
		f.start()
		f.joined = f.goal.Join(Member{Prefix: Prefix{Len: 2}, Login: "farm.rig7"})
		f.after(time.Second)
		a := f.pools[0]
		a.do(func() { a.refuse = true })
		a.last().Close()
		f.after(time.Minute)
		f.wantOn("b")
		told.want(t, "the only miner", "1 a>b lost farm.rig7 connect to a:1: connection refused")
	})
}

// A pool that sends no jobs is ill; one that is taken out of the list is left.
func TestPoolChangesFromAPoolThatAnswers(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		var told toldChanges
		f.o.Changed = told.add
		f.start()
		f.lane()
		f.after(4 * time.Minute) // a sends no job
		f.wantOn("b")
		told.want(t, "a pool that is silent", "1 a>b ill")
		f.others.Pools = f.others.Pools[:1]
		f.set()
		f.after(time.Minute)
		f.wantOn("a")
		told.want(t, "a pool that is taken out", "1 b>a taken out")
	})
}
