//go:build !race

package netloop

import (
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/session"
)

func TestNobodyHasMoreMinersWithoutAShareThanAreFree(t *testing.T) {
	u := unproven{max: 8}
	one, two, three := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	f := func(from netip.Addr, want int) {
		t.Helper()
		n := 0
		for u.add(from) {
			n++
		}
		if n != want {
			t.Errorf("%v gets %d, want %d", from, n, want)
		}
	}
	f(one, 4)
	f(two, 2)
	f(three, 0) // the same network
	u.drop(one, 4)
	f(three, 2)
	u.inherit(one, 9) // they stay, whatever their number
	f(two, 0)
	u.drop(one, 9)
	u.drop(two, 4)
	if u.n != 0 || len(u.by) != 0 {
		t.Errorf("left are %d, of %v", u.n, u.by)
	}
}

// newAgentFarm is newFarm with an agent that has its first job.
func newAgentFarm(t *testing.T) *farm {
	f := newFarm(t, func(*Options) {})
	io.WriteString(f.conn, agentHello)
	for f.server.miners.Load() == 0 {
		runtime.Gosched()
	}
	f.sendJob()
	f.wantAll(`"id":1,"result":[[`, `"id":2,"result":true`, `"id":3,"result":{`, "mining.set_difficulty", "mining.notify")
	return f
}

// register returns the frames by which an agent registers miners.
func register(from, to int) (frames []byte) {
	for sid := from; sid < to; sid++ {
		frames = agent.AppendRegister(frames, uint16(sid), "cgminer", fmt.Sprint("w", sid))
	}
	return frames
}

const pingLine = `{"id":9,"method":"mining.ping","params":[]}`

// Agents could register miners, each with 450 bytes, until there was no memory left.
func TestAnAgentWithoutAShareHasSoManyMiners(t *testing.T) {
	t.Parallel()
	f := newAgentFarm(t)
	f.server.unproven.max = 16
	f.conn.Write(register(0, 8))
	f.conn.Write(register(0, 8)) // the same again
	f.conn.Write(agent.AppendUnregister(nil, 7))
	f.conn.Write(register(7, 8))
	f.want(`"pong"`, pingLine)
	l := (*f.server.loops.Load())[0]
	onLoop := func(do func(*peer)) {
		done := make(chan bool)
		l.mailbox.call(func() {
			do(l.slots[0].peer)
			close(done)
		})
		<-done
	}
	onLoop(l.earned)
	if n := f.server.unproven.n; n != 0 {
		t.Errorf("%d are counted after a share was accepted", n)
	}
	f.conn.Write(register(8, 100))
	f.want(`"pong"`, pingLine)
	onLoop(func(p *peer) { p.marks &^= earned })
	f.conn.Write(register(100, 109))
	f.wantClosed(f.conn, session.Full, 1)
	if n := f.server.unproven.n; n != 0 {
		t.Errorf("%d are counted when the agent has left", n)
	}
}

// They are counted in the next process too, which knows them by the agent's session.
func TestTheMinersOfAnInheritedAgentAreCounted(t *testing.T) {
	t.Parallel()
	f := newAgentFarm(t)
	f.conn.Write(register(0, 5))
	f.want(`"pong"`, pingLine)
	counted := make(chan int)
	f.server.onLoops(func(l *loop) {
		p := l.slots[0].peer
		l.uncount(p)
		l.count(p) // as when it arrives
		counted <- f.server.unproven.n
		l.close(p, session.Shutdown)
		counted <- f.server.unproven.n
	})
	if n := <-counted; n != 5 {
		t.Errorf("%d are counted, want 5", n)
	}
	if n := <-counted; n != 0 {
		t.Errorf("%d are counted when the agent has left", n)
	}
}

// A miner took 50 kB with 255 further names, and nothing bounded how many of them had so
// many.
func TestNamesWithoutAShareAreBounded(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(*Options) {})
	f.server.unproven.max = 6
	for i, answer := range []string{"true", "true", "true", "true", "without a share"} {
		f.want(answer, `{"id":%d,"method":"mining.authorize","params":["farm.%d"]}`, i, i)
	}
	l := (*f.server.loops.Load())[0]
	f.server.onLoops(func(l *loop) { l.earned(l.slots[0].peer) })
	f.onLoops()
	if n := f.server.unproven.n; n != 0 {
		t.Errorf("%d are counted after a share was accepted", n)
	}
	for i := range 9 {
		f.want("true", `{"id":1,"method":"mining.authorize","params":["farm.more%d"]}`, i)
	}
	done := make(chan int)
	l.mailbox.call(func() {
		p := l.slots[0].peer
		p.marks &^= earned // as if another process had handed it over
		l.count(p)
		l.close(p, session.Shutdown)
		done <- f.server.unproven.n
	})
	if n := <-done; n != 0 {
		t.Errorf("%d are counted when the miner has left", n)
	}
}

// So are further names, until their miner leaves.
func TestTheNamesOfAnInheritedMinerAreCounted(t *testing.T) {
	f := newFarm(t, func(*Options) {})
	for i := range 4 {
		f.want("true", `{"id":%d,"method":"mining.authorize","params":["farm.%d"]}`, i, i)
	}
	to, err := handOver(t, f.server, nil, undisturbed)
	if err != nil {
		t.Fatal(err)
	}
	counted := func() int {
		to.unproven.mu.Lock()
		defer to.unproven.mu.Unlock()
		return to.unproven.n
	}
	if n := counted(); n != 3 {
		t.Errorf("%d are counted, want 3", n)
	}
	f.conn.Close()
	for begin := time.Now(); counted() != 0; runtime.Gosched() {
		if time.Since(begin) > patience {
			t.Fatalf("%d are counted when the miner has left", counted())
		}
	}
}
