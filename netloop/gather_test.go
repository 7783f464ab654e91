//go:build !race

package netloop

import (
	"fmt"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/session"
	"farmproxy/upstream"
	"farmproxy/work"
)

// gathering is a loop with miners working on a job whose difficulty their shares miss.
type gathering struct {
	*loop
	t      testing.TB
	miners []*peer
	nonce  uint32
}

func newGathering(t testing.TB, miners int) *gathering {
	g := &gathering{loop: newBenchLoop(t, miners), t: t}
	for i := range miners {
		g.miners = append(g.miners, g.join(t, i))
	}
	f := g.miners[0].feed
	g.post(&upstream.Post{Lane: f.lane, Job: newBenchJob(1), Clean: true, Mask: 0x1fffe000, Difficulty: 1024})
	g.fanOutFeed(f)
	return g
}

// submit makes a line of a share that misses its difficulty.
func (g *gathering) submit(miner int) string {
	g.nonce++
	return fmt.Sprintf(`{"id":4,"method":"mining.submit","params":["farm.rig%07d","1","0000","66a1b2d0","%08x"]}`+"\n", miner, g.nonce)
}

func (g *gathering) read(miner int, lines string) {
	g.t.Helper()
	if g.loop.read(g.miners[miner], []byte(lines)) != gnet.None {
		g.t.Fatalf("miner %d was closed", miner)
	}
}

func (g *gathering) wantJudged(n uint64) {
	g.t.Helper()
	if got := g.counts.Verdicts[work.LowDifficulty].Load(); got != n {
		g.t.Fatalf("%d shares are judged, want %d", got, n)
	}
}

func TestSharesAreJudgedAtTheEndOfTheTurn(t *testing.T) {
	g := newGathering(t, 3)
	for miner := range 3 {
		g.read(miner, g.submit(miner))
	}
	g.wantJudged(0)
	before := g.counts.BytesOut.Load()
	g.turn()
	g.wantJudged(3)
	if g.counts.BytesOut.Load() == before {
		t.Error("the miners have no answer")
	}
}

func TestSharesAreJudgedWhenThereAreEnough(t *testing.T) {
	g := newGathering(t, 2)
	for i := range maxGathered - 1 {
		g.read(i%2, g.submit(i%2))
	}
	g.wantJudged(0)
	g.read(0, g.submit(0))
	g.wantJudged(maxGathered)
	g.turn()
	g.wantJudged(maxGathered)
}

func TestSharesAreJudgedBeforeWhateverElseTheMinerSays(t *testing.T) {
	g := newGathering(t, 1)
	g.read(0, g.submit(0)+g.submit(0)+`{"id":5,"method":"mining.ping","params":[]}`+"\n")
	g.wantJudged(2)
}

// The lane is told now and then of shares accepted here: a pool that receives none any
// more may be unhealthy.
func TestSharesThatStayHereAreCounted(t *testing.T) {
	g := &gathering{loop: newBenchLoop(t, 1), t: t}
	g.set(func(o *Settings) {
		o.Terms.Difficulty = session.Policy{Start: 1.0 / (1 << 32), Min: 1.0 / (1 << 32), SharesPerMinute: 6}
	})
	g.miners = append(g.miners, g.join(t, 0))
	f := g.miners[0].feed
	g.post(&upstream.Post{Lane: f.lane, Job: newBenchJob(1), Clean: true, Mask: 0x1fffe000, Difficulty: 1024})
	g.fanOutFeed(f)
	g.read(0, g.submit(0)+g.submit(0))
	g.turn()
	if f.kept != 2 {
		t.Errorf("%d shares are counted, want 2", f.kept)
	}
	g.tick()
	if f.kept != 0 {
		t.Errorf("%d shares are counted after the lane was told, want 0", f.kept)
	}
}

// A miner may send a share and disconnect, both in one turn.
func TestNoShareIsLostWhenItsMinerLeaves(t *testing.T) {
	g := newGathering(t, 2)
	g.read(0, g.submit(0))
	g.read(1, g.submit(1))
	g.remove(g.miners[0])
	g.wantJudged(2)
	g.turn()
	g.wantJudged(2)
}

func TestOneTurnSaysLittleAboutThePace(t *testing.T) {
	var p pace
	for range 50 {
		p.of(20, 2*time.Millisecond)
	}
	f := func(shares int, since, least, most time.Duration) {
		t.Helper()
		if got := p.of(shares, since); got < least || got > most {
			t.Errorf("%d shares in %v: one every %v, want %v to %v", shares, since, got, least, most)
		}
	}
	f(20, 2*time.Millisecond, 100*time.Microsecond, 101*time.Microsecond)
	f(1, 2*time.Millisecond, 101*time.Microsecond, 130*time.Microsecond) // the first of many woke the loop
	for range 50 {
		p.of(10, 10*time.Millisecond)
	}
	f(10, 10*time.Millisecond, 990*time.Microsecond, 1010*time.Microsecond) // it has become slower
}
