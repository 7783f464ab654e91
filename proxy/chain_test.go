package proxy

import (
	"context"
	"fmt"
	"testing"
	"time"

	"farmproxy/bench/fleet"
	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/internal/journal"
)

// behind starts a farmproxy whose pool is another farmproxy.
func behind(t *testing.T, log *journal.Journal, address string) (branch string) {
	t.Helper()
	p, stop := launch(t, log, func(c *config.Config) {
		c.Pools = append(c.Pools, config.Pool{Name: "head-office", URL: "stratum+tcp://" + address, User: "branch", Workers: config.WorkersAggregate, Links: 1, Algorithm: "sha256d", Mode: config.ModeAggregate})
		c.Failover.BackoffMax = time.Second
	}, nil)
	t.Cleanup(stop)
	return p.server.Addresses()[0]
}

// A farmproxy behind a farmproxy works over plain Stratum if the pool gives 4 bytes or
// more, even if it gave more before.
func TestAFarmproxyBehindAFarmproxy(t *testing.T) {
	for _, q := range []struct{ before, size int }{{8, 8}, {5, 5}, {4, 4}, {8, 4}} {
		t.Run(fmt.Sprintf("%d bytes, then %d", q.before, q.size), func(t *testing.T) {
			t.Parallel()
			pool := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = q.before })
			var log journal.Journal
			_, address := startProxy(t, nil, nil, pool)
			o := fleet.DefaultOptions(behind(t, &log, address))
			o.Miners, o.Rate = 20, 100
			fleet, err := fleet.New(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(fleet.Close)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := fleet.Connect(ctx); err != nil {
				t.Fatal(err)
			}
			enough := func() bool { return pool.Books().Total().Accepted > 50 }
			eventually(t, "the pool has shares", enough)
			if q.size != q.before {
				if err := pool.SetExtranonce2Size(q.size); err != nil {
					t.Fatal(err)
				}
				pool.DropLinks()
				before := pool.Books().Total().Accepted
				eventually(t, "the pool has shares again", func() bool { return pool.Books().Total().Accepted > before+50 })
			}
			if refused := pool.Books().Total().Refused; len(refused) > 0 {
				t.Errorf("refused at the pool: %v", refused)
			}
		})
	}
}

// If it can't work, both say what would.
func TestAFarmproxyBehindAFarmproxyWithTooLittle(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 3 })
	var outer, inner journal.Journal
	p, stop := launch(t, &outer, nil, nil, pool)
	t.Cleanup(stop)
	eventually(t, "the pool's size is known", func() bool { _, size := p.directory.Shape(); return size == 2 })
	behind(t, &inner, p.server.Addresses()[0])
	eventually(t, "the inner one says it", func() bool { return inner.Has("the pool behind it has to give more: 4 bytes") })
	eventually(t, "the outer one says it", func() bool { return outer.Has("use pools that give 4 bytes or more") })
}
