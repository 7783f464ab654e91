//go:build !race

package netloop

import (
	"net"
	"runtime"
	"testing"
)

// An agent whose goal is gone has to connect again. What it had sent before it hung up was
// read before that, and ended the new process with a panic.
func TestAnAgentWithoutAGoalHangsUp(t *testing.T) {
	f := newAgentFarm(t)
	f.conn.Write(register(1, 2))
	f.want(`"pong"`, pingLine)
	to, err := handOver(t, f.server, nil, func() func() {
		f.conn.Write(register(2, 3))
		f.conn.(*net.TCPConn).CloseWrite()
		return func() {}
	})
	if err != nil {
		t.Fatal(err)
	}
	to.Serve()
	for to.Connected() > 0 {
		runtime.Gosched()
	}
}
