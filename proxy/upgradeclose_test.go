package proxy

import (
	"fmt"
	"io"
	"testing"
	"time"
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

// The process before stays for its links over TLS, and has the sockets of all miners until it
// ends. A miner that the new one closed was left waiting as long.
func TestAMinerThatIsClosedSoonAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	b := startOwnAt(t, "stratum+tls://"+overTLS(t, startPool(t, nil)), "tls_insecure = true\n")
	m := connect(t, b.address)
	m.work("farm.rig")
	if _, err := b.upgrade(); err != nil {
		t.Fatal(err)
	}
	m.send("GET / HTTP/1.1")
	m.conn.SetReadDeadline(time.Now().Add(patience / 4)) // the process before stays for 10 s
	if _, err := io.Copy(io.Discard, m.in); err != nil {
		t.Errorf("the miner that was closed: %v", err)
	}
}
