package proxy

import (
	"fmt"
	"strings"
	"testing"

	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/stats"
)

// tellBlock has a pool tell of a block, with or without transactions, to all its links.
func tellBlock(t *testing.T, p *benchpool.Pool, job, block int, branches string) {
	t.Helper()
	params := fmt.Sprintf(`["%x","%064x","01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff20","ffffffff0100f2052a010000000000000000",[%s],"20000000","1d00ffff","66a1b2d0",true]`, job, block, branches)
	if err := p.Notify(params); err != nil {
		t.Fatal(err)
	}
}

// byItself has a pool send no job but those that the test wants.
func byItself(o *benchpool.Options) { o.JobEvery = 0 }

// The event loops hear the pool that miners work for and the one that nobody works for, and
// the books say who told first.
func TestPoolsAreComparedWhileOneServes(t *testing.T) {
	t.Parallel()
	a, b := startPool(t, byItself), startPool(t, byItself)
	var c *config.Config
	p, address := startProxy(t, func(it *config.Config) { c = it }, nil, a, b)
	connect(t, address).work("farm.rig")
	compared := func(pool int) stats.Comparison { return p.book.Compare()[pool] }
	eventually(t, "there is a quiet link to the second pool", func() bool { return compared(1).Quiet.Load() })

	tellBlock(t, b, 0x101, 7, "")
	eventually(t, "the second pool has told", func() bool { return compared(1).BlocksTold.Load() == 1 })
	tellBlock(t, a, 0x101, 7, `"`+strings.Repeat("ab", 32)+`"`)
	eventually(t, "the first pool has told", func() bool { return compared(0).BlocksTold.Load() == 1 })
	tellBlock(t, b, 0x102, 7, `"`+strings.Repeat("ab", 32)+`"`)
	eventually(t, "the second pool's jobs have transactions", func() bool { return !compared(1).Empty() })
	first, second := compared(0), compared(1)
	if second.BlocksFirst.Load() != 1 || first.BlocksFirst.Load() != 0 || first.Lag.Count() != 1 || first.Lag.Mean() <= 0 || second.Lag.Mean() != 0 {
		t.Errorf("first pool: %d blocks first, lag %v; second pool: %d, lag %v", first.BlocksFirst.Load(), first.Lag.Mean(), second.BlocksFirst.Load(), second.Lag.Mean())
	}
	if second.EmptyBlocks.Load() != 1 || second.EmptyTime.Mean() <= 0 || first.EmptyBlocks.Load() != 0 {
		t.Errorf("second pool: %d empty blocks, for %v; first: %d", second.EmptyBlocks.Load(), second.EmptyTime.Mean(), first.EmptyBlocks.Load())
	}
	eventually(t, "each pool has one connection", func() bool { return a.Open() == 1 && b.Open() == 1 })
	if n := b.Books().Total().Accepted; n != 0 {
		t.Errorf("the second pool has accepted %d shares", n)
	}
	if _, body := p.request(t, "GET", "/api/v1/blocks", ""); !strings.Contains(body, `"pools":[{"pool":"pool1","lag_seconds":0,`) {
		t.Errorf("blocks: %s", body)
	}
	if _, body := p.request(t, "GET", "/metrics", ""); !strings.Contains(body, "farmproxy_pool_blocks_first_total{pool=\"pool1\"} 1\n") {
		t.Error("the metrics do not say who was first")
	}

	c.Audit.QuietLinks = false
	s, err := p.plan(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.apply(&s); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the quiet link is not wanted any more", func() bool { return b.Open() == 0 && a.Open() == 1 })
}
