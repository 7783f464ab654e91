package stats

import (
	"encoding/hex"
	"slices"
	"time"

	"farmproxy/work"
)

// Comparison is a snapshot of what one pool does for the farm, beside the others.
type Comparison struct {
	*Pool
	Shares  Shares  // the pool's verdicts
	Work    Work    // the same, weighted by the pool's difficulty
	Latency Latency // of verdicts

	Lag       Latency // of news of blocks, behind the pool that told first
	EmptyTime Latency // in which jobs for a new block had no transactions
}

// RejectRate returns the fraction, 0..1, of the shares that the pool did not accept; 0 if
// it has had none.
func (c *Comparison) RejectRate() float64 {
	rejected := c.Shares.Rejected()
	if sum := rejected + c.Shares[work.Accepted]; sum > 0 {
		return float64(rejected) / float64(sum)
	}
	return 0
}

// Compare returns the pools, preferred ones first.
func (b *Book) Compare() []Comparison {
	b.settleBlocks()
	pools, links := b.snapshot()
	list := make([]Comparison, len(pools))
	place := make(map[string]int, len(pools))
	for i, p := range pools {
		list[i].Pool = p
		list[i].Lag.add(&p.lag)
		list[i].EmptyTime.add(&p.emptyTime)
		place[p.Name] = i
	}
	for _, l := range links {
		i, known := place[l.Pool]
		if !known {
			continue
		}
		c := &list[i]
		for v := range work.NumVerdicts {
			c.Shares[v] += l.Verdicts[v].Load()
			c.Work[v] += l.Work[v].Load()
		}
		c.Latency.add(&l.latency)
	}
	return list
}

// settleBlocks counts the blocks that pools have missed by now.
func (b *Book) settleBlocks() {
	b.blocks.mu.Lock()
	defer b.blocks.mu.Unlock()
	b.blocks.settle(b.now())
}

// BlockInfo is a snapshot of one block, and of which pools have told of it.
type BlockInfo struct {
	Hash     string    // as block explorers show it
	At       time.Time // when the first pool told
	Tellings []Telling // in the order in which they came
}

// Telling is one pool's news of a block.
type Telling struct {
	Pool     string
	Lag      time.Duration // behind the first pool
	Empty    bool          // its first job had no transactions
	EmptyFor time.Duration // for how long; 0 while it lasts, or if the next block came before
}

// Blocks returns the last blocks that pools have told of, the newest first.
func (b *Book) Blocks() []BlockInfo {
	b.blocks.mu.Lock()
	defer b.blocks.mu.Unlock()
	list := make([]BlockInfo, 0, len(b.blocks.last))
	for _, x := range slices.Backward(b.blocks.last) {
		list = append(list, x.info())
	}
	return list
}

func (x *block) info() BlockInfo {
	hash := x.hash // in the header's byte order
	slices.Reverse(hash[:])
	i := BlockInfo{Hash: hex.EncodeToString(hash[:]), At: x.began()}
	for _, t := range x.tellings {
		told := Telling{Pool: t.pool.Name, Lag: t.at.Sub(x.began()), Empty: t.empty}
		if !t.filled.IsZero() {
			told.EmptyFor = t.filled.Sub(t.at)
		}
		i.Tellings = append(i.Tellings, told)
	}
	return i
}
