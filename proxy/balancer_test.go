package proxy

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"farmproxy/config"
	"farmproxy/stats"
)

// haproxy passes connections on to an address, with a PROXY header; it returns its own
// address.
func haproxy(t *testing.T, to, header string) (address string) {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip("haproxy is not installed; with it this test looks at the headers that a real balancer sends")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := fmt.Sprintf("defaults\n mode tcp\n timeout connect 5s\n timeout client 1m\n timeout server 1m\nlisten miners\n bind %s\n server farmproxy %s %s\n", address, to, header)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	balancer := exec.Command(program, "-db", "-f", file)
	if err := balancer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		balancer.Process.Signal(syscall.SIGTERM)
		balancer.Wait()
	})
	eventually(t, "haproxy listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return address
}

// Debian's HAProxy in front, with both versions of the header: the miner is known by
// its own address, and a miner that bypasses the balancer is refused.
func TestMinersBehindHAProxy(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"send-proxy", "send-proxy-v2"} {
		p, address := startProxy(t, func(c *config.Config) {
			c.Listeners[0].ProxyProtocol = []string{"127.0.0.1"}
		}, nil, startPool(t, nil))
		m := connect(t, haproxy(t, address, header))
		m.work("farm.rig")
		want := m.conn.LocalAddr().String()
		if list, _ := p.book.Workers(stats.WorkerQuery{Limit: 10}); len(list) != 1 || list[0].Address.String() != want {
			t.Errorf("%s: the workers are %+v, want one at %s", header, list, want)
		}
		past := connect(t, address)
		past.send(`{"id":1,"method":"mining.subscribe","params":[]}`)
		past.wantClosed()
	}
}
