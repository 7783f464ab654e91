package stats

import (
	"slices"
	"time"
)

// The blocks in a book's state: a pool that tells in the next process what another told in
// this one lags behind it.

func (b *Book) blockStates(now time.Time) (list []*blockState) {
	b.blocks.mu.Lock()
	defer b.blocks.mu.Unlock()
	for _, x := range b.blocks.last {
		s := &blockState{Hash: x.hash}
		for _, t := range x.tellings {
			i := tellingState{Pool: t.pool.keyState(), AgeNS: int64(now.Sub(t.at)), Empty: t.empty}
			if !t.filled.IsZero() {
				i.FilledNS = int64(t.filled.Sub(t.at))
			}
			i.EmptyNow = t.pool.empty.Load() && t.at.Equal(t.pool.emptySince)
			s.Tellings = append(s.Tellings, i)
		}
		for _, p := range x.awaited {
			s.Awaited = append(s.Awaited, p.keyState())
		}
		list = append(list, s)
	}
	return list
}

func (p *Pool) keyState() poolKeyState { return poolKeyState{p.Name, p.URL} }

// block adds a block that the process before had news of, unless this one has already had
// some of its own: of a link that was dialled ahead.
func (r *restorer) block(s *blockState) {
	x := &block{hash: s.Hash}
	for i := range s.Tellings[:min(len(s.Tellings), maxTellers)] {
		told := &s.Tellings[i]
		t := telling{pool: r.b.knownPool(told.Pool.Name, told.Pool.URL), at: r.now.Add(-time.Duration(told.AgeNS)), empty: told.Empty}
		if told.FilledNS > 0 {
			t.filled = t.at.Add(time.Duration(told.FilledNS))
		}
		x.tellings = append(x.tellings, t)
	}
	if len(x.tellings) == 0 {
		return
	}
	for _, p := range s.Awaited {
		x.awaited = append(x.awaited, r.b.knownPool(p.Name, p.URL))
	}
	b := &r.b.blocks
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range x.tellings {
		if t := &x.tellings[i]; s.Tellings[i].EmptyNow {
			t.pool.emptySince = t.at
			t.pool.empty.Store(true)
		}
	}
	if b.find(s.Hash) != nil || len(b.last) == keptBlocks {
		return
	}
	b.last = append(b.last, x)
	slices.SortStableFunc(b.last, func(x, y *block) int { return x.began().Compare(y.began()) })
}
