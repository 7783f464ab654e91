package upstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/dial"
)

// counting counts verdicts, and takes no note of anything else.
type counting struct {
	oneLoop
	verdicts, rerouted atomic.Int64
}

func (*counting) Publish(Post)              {}
func (c *counting) Verdicts(list []Verdict) { c.verdicts.Add(int64(len(list))) }
func (c *counting) Rerouted(*Goal)          { c.rerouted.Add(1) }
func (c *counting) Outgrown(*Lane)          {}
func (c *counting) Dismissed(*Lane)         {}

// Miners come, work, move and go on many goroutines, while accounts come, move
// and go: each share gets its verdict, no prefix has two miners, and in the end
// nothing is left.
func TestManyMinersAndAccountsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := new(counting)
		d := NewDirectory(DirectoryOptions{
			Settings: Settings{Dial: func(context.Context, dial.Target) (net.Conn, error) { return newCanned(), nil }},
		}, down)
		others := kept(at("fixed", "farm"))
		d.Set(others)
		d.Start(t.Context())
		var mu sync.Mutex
		taken := make(map[Prefix]bool)
		var shares atomic.Int64
		miner := func(seed uint64) {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 40 {
				x, ok := d.Prefixes().Take(2)
				mu.Lock()
				if !ok || taken[x] {
					t.Errorf("%v has two miners", x)
				}
				taken[x] = true
				mu.Unlock()
				var lane *Lane
				for range 1 + r.IntN(3) {
					goal, _, _ := d.Login(fmt.Sprintf("acct%d.rig", r.IntN(6)))
					lane = goal.Join(Member{Prefix: x})
					time.Sleep(time.Duration(r.IntN(4000)) * time.Millisecond)
					if job := lane.Latest().Job; job != nil {
						for n := range uint32(3) {
							if lane.Submit(share(job, n)) {
								shares.Add(1)
							}
						}
					}
					lane.Leave(lane.key)
				}
				mu.Lock()
				delete(taken, x)
				mu.Unlock()
				d.Prefixes().Release(x, lane)
			}
		}
		var all sync.WaitGroup
		for i := range uint64(20) {
			all.Go(func() { miner(i) })
		}
		all.Go(func() {
			r := rand.New(rand.NewPCG(7, 7))
			for range 60 {
				accounts := entries{"": others[0]}
				for i := range r.IntN(6) {
					name := fmt.Sprintf("acct%d", i)
					p := at(fmt.Sprintf("p%d", r.IntN(2)), "user")
					p.Direct = i%2 == 0
					accounts[name] = account(name, p)
				}
				d.Set(accounts)
				time.Sleep(2 * time.Second)
			}
			d.Set(others)
		})
		all.Wait()
		time.Sleep(2 * letGo)
		equal(t, "verdicts", down.verdicts.Load(), shares.Load())
		equal(t, "shares without one", d.pending.Load(), 0)
		equal(t, "links of accounts", d.onDemand.taken(), 0)
		equal(t, "lanes of everybody else's goal", d.life.lanes-len(d.life.free), 1)
		equal(t, "members of everybody else's goal", d.goal("").members, 0)
		if shares.Load() < 1000 || down.rerouted.Load() < 10 {
			t.Errorf("%d shares, %d goals retired: this was no test", shares.Load(), down.rerouted.Load())
		}
		d.Close(t.Context())
	})
}
