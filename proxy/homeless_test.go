package proxy

import (
	"fmt"
	"testing"
)

// An agent whose goal is another one in the new process has to connect again. Its miners
// were never taken off the books.
func TestUpgradeWithAnAgentWhoseGoalIsGone(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	b := startOwn(t, pool, "")
	a := connectAgent(t, b.address, "farm")
	a.register(1, "farm.one")
	a.register(2, "farm.two")
	eventually(t, "both miners are there", func() bool { return b.status().Miners == 2 })
	b.configure(fmt.Sprintf("[[pool]]\nurl = \"stratum+tcp://%s\"\nuser = \"farm\"\nlinks = 2\n", pool.Addr()))
	u, err := b.upgrade()
	if err != nil {
		t.Fatal(err)
	}
	a.wantClosed()
	eventually(t, "the new process has none of them", func() bool { s := b.status(); return s.PID == u.PID && s.Miners == 0 })
}
