package attack

import (
	"testing"
	"time"

	"farmproxy/bench/pool"
)

// wantTime bounds anything that a test waits for: it only matters when
// something is broken.
const wantTime = 10 * time.Second

func mustPool(t *testing.T, change func(*pool.Options)) *pool.Pool {
	t.Helper()
	o := pool.DefaultOptions()
	if change != nil {
		change(&o)
	}
	p, err := pool.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
