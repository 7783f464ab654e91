//go:build !race

package netloop

import (
	"fmt"
	"testing"

	"farmproxy/codec/agent"
	"farmproxy/stats"
	"farmproxy/work"
)

// rejected returns how many shares of a worker were rejected.
func (p *fuzzedPeer) rejected(name string, v work.Verdict) uint64 {
	list, _ := p.loop.server.book.Workers(stats.WorkerQuery{Limit: 10})
	for _, w := range list {
		if w.Name == name {
			return w.Shares[v]
		}
	}
	return 0
}

// A share is booked under the name that it came with, out of several.
func TestAShareIsItsWorkers(t *testing.T) {
	p := newFuzzedPeer(t, aMiner)
	for i, name := range []string{"farm.b", "farm.c"} {
		p.feed(fmt.Appendf(nil, `{"id":%d,"method":"mining.authorize","params":[%q]}`+"\n", i, name))
	}
	for i, name := range []string{"farm.c", "farm.r", "farm.c", "farm.b", "farm.c"} {
		p.feed(fmt.Appendf(nil, `{"id":7,"method":"mining.submit","params":[%q,"1","0000","66a1b2d0","%08x"]}`+"\n", name, i))
	}
	for name, want := range map[string]uint64{"farm.r": 1, "farm.b": 1, "farm.c": 3} {
		if n := p.rejected(name, work.LowDifficulty); n != want {
			t.Errorf("%d shares are booked as %s's, want %d", n, name, want)
		}
	}
}

// A share being hashed while its miner changes its name is booked under the old name,
// and so is one whose miner leaves.
func TestAShareThatIsHashedStaysItsWorkers(t *testing.T) {
	p := newFuzzedPeer(t, anAgent)
	hashing := hashed{cookie: p.loop.cookie(p.peer), worker: p.peer.dialect.(*agentPeer).minerOf(1).worker, tooMany: true}
	p.feed(agent.AppendRegister(nil, 1, "cgminer", "another"))
	p.loop.hashed(&hashing)
	p.feed(agent.AppendUnregister(nil, 1))
	p.loop.hashed(&hashing)
	if n := p.rejected("farm.w1", work.TooMany); n != 2 {
		t.Errorf("%d are booked as the old name's", n)
	}
	if n := p.rejected("farm.another", work.TooMany); n != 0 {
		t.Errorf("%d are booked as the new name's", n)
	}
}
