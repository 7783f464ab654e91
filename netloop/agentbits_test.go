//go:build !race

package netloop

import (
	"io"
	"strings"
	"testing"

	"farmproxy/codec/agent"
	"farmproxy/upstream"
)

// The miners of an agent roll what their agent may, also when the pool takes some of it.
func TestWhichVersionBitsAnAgentsMinersRoll(t *testing.T) {
	t.Parallel()
	f := newAgentFarm(t)
	f.want("1fffe000", `{"id":4,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}`)
	f.conn.Write(agent.AppendRegister(nil, 1, "cgminer", "w1"))
	wants := func(mask uint32) {
		t.Helper()
		io.WriteString(f.conn, `{"id":9,"method":"mining.ping","params":[]}`+"\n")
		for !strings.Contains(f.line(), `"pong"`) {
		}
		if got := f.workers()[0].VersionMask; got != mask {
			t.Errorf("%s rolls %08x, want %08x", f.workers()[0].Name, got, mask)
		}
	}
	wants(0x1fffe000)
	f.onLoop(func(l *loop, p *peer) {
		l.post(&upstream.Post{Lane: p.feed.lane, Job: newBenchJob(2), Clean: true, Mask: 0x00ffe000, Difficulty: 1024})
		l.fanOut()
	})
	wants(0x00ffe000)
	f.onLoop(func(l *loop, p *peer) {
		l.post(&upstream.Post{Lane: p.feed.lane, Job: p.feed.Job(), Mask: 0x000fe000, Difficulty: 1024})
		l.fanOut()
	})
	wants(0x000fe000)
}
