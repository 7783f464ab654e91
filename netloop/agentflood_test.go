//go:build !race

package netloop

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"farmproxy/codec/agent"
	"farmproxy/session"
)

// An agent may send as much more as it has miners, even when all of them leave at once.
func TestAnAgentsMinersCount(t *testing.T) {
	t.Parallel()
	const miners = 300
	f := newFarm(t, func(o *Options) { o.Limits = Limits{Messages: 10, Shares: 10} })
	io.WriteString(f.conn, agentHello)
	for f.server.miners.Load() == 0 {
		runtime.Gosched()
	}
	f.sendJob()
	f.wantAll(`"id":1,"result":[[`, `"id":2,"result":true`, `"id":3,"result":{`, "mining.set_difficulty", "mining.notify")
	var frames []byte
	for sid := range uint16(miners) {
		frames = agent.AppendRegister(frames, sid, "cgminer", fmt.Sprint("w", sid))
	}
	for sid := range uint16(miners) {
		frames = agent.AppendUnregister(frames, sid)
	}
	f.conn.Write(frames)
	f.want(`"pong"`, `{"id":9,"method":"mining.ping","params":[]}`)
	if n := f.closedFor(session.MessageFlood); n != 0 {
		t.Error("it is closed for a flood")
	}
}
