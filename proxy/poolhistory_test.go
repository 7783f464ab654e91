package proxy

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"farmproxy/bench/fleet"
	"farmproxy/config"
	"farmproxy/history"
	"farmproxy/work"
)

// What the history says of each pool is what the pools' own books say, also when miners were
// at a pool between two looks only, and when another process goes on.
func TestTheHistoryOfPoolsIsThatOfTheirBooks(t *testing.T) {
	t.Parallel()
	for name, behind := range map[string]int{"miners": 0, "agents": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first, second := startPool(t, nil), startPool(t, nil)
			p, address := startProxy(t, func(c *config.Config) { c.Failover.ReturnAfter, c.StateDir = 0, dir }, nil, first, second)
			linked(t, p)
			now := time.Now()
			p.remember.lookNow(t, now)

			o := fleet.DefaultOptions(address)
			o.Miners, o.Rate, o.Behind = 12, 100, behind
			f := connectFleet(t, o)
			worked := func(pool string) func() bool {
				return func() bool { return p.book.PoolTotal(pool).Shares[work.Accepted] > 20 }
			}
			eventually(t, "they work for the first pool", worked("pool0"))
			first.Close()
			eventually(t, "they work for the second pool", worked("pool1"))
			p.remember.look(now.Add(time.Minute))
			if err := f.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.Close()
			state := p.remember.pause(now.Add(time.Minute))
			next := newRemembering(&config.Config{StateDir: dir}, p.book, p.remember.bans, p.log)
			next.configure(p.remember.settings.Load())
			next.inherit(state, now.Add(time.Minute))
			store := next.lookNow(t, now.Add(2*time.Minute))
			defer next.end()

			sums := must(store.Sums(t.Context(), history.Pool, now.Add(-time.Hour), now.Add(time.Hour)))
			if names := slices.Sorted(maps.Keys(sums)); !slices.Equal(names, []string{"pool0", "pool1"}) {
				t.Errorf("the history has pools %q", names)
			}
			for name, got := range sums {
				books := p.book.PoolTotal(name)
				if got.Accepted != books.Shares[work.Accepted] || got.Rejected != books.Shares.Rejected() || math.Abs(got.Work-books.Work) > 1e-9*books.Work {
					t.Errorf("%s: the history has %d accepted, %d rejected, work %v; its books %d, %d, %v",
						name, got.Accepted, got.Rejected, got.Work, books.Shares[work.Accepted], books.Shares.Rejected(), books.Work)
				}
			}
		})
	}
}
