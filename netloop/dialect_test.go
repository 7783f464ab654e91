//go:build !race

package netloop

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/session"
)

// Until it has subscribed or authorized, a connection may turn out to be an agent's.
func TestTheFirstMessageSaysWhichDialectItIs(t *testing.T) {
	const (
		configure    = `{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}`
		subscribe    = `{"id":2,"method":"mining.subscribe","params":["cgminer/4.12.1"]}`
		authorize    = `{"id":3,"method":"mining.authorize","params":["farm.rig","x"]}`
		capabilities = `{"id":4,"method":"agent.get_capabilities","params":[]}`
		agentHello   = `{"id":5,"method":"mining.subscribe","params":["btccom-agent/2.0.0"]}`
	)
	f := func(want string, agents int64, lines ...string) {
		t.Helper()
		for _, together := range []bool{true, false} {
			l := newBenchLoop(t, 1)
			p := l.add(&socket{}, &listener{})
			reads := lines
			if together {
				reads = []string{strings.Join(lines, "\n")}
			}
			for _, line := range reads {
				if l.read(p, []byte(line+"\n")) != gnet.None {
					t.Fatalf("%v: closed for %v", lines, p.reason)
				}
			}
			if got := strings.TrimPrefix(fmt.Sprintf("%T", p.dialect), "*netloop."); got != want {
				t.Errorf("%v is %s, want %s", lines, got, want)
			}
			if n, m := l.counts.Agents.Load(), l.counts.Miners.Load(); n != agents || m != 1-agents {
				t.Errorf("%v: %d agents and %d miners are counted", lines, n, m)
			}
			p.dialect.left(l, p)
			if n, m := l.counts.Agents.Load(), l.counts.Miners.Load(); n != 0 || m != 0 {
				t.Errorf("%v: %d agents and %d miners are counted when it has left", lines, n, m)
			}
		}
	}
	f("stranger", 0, "")
	f("stranger", 0, configure)
	f("stratum", 0, configure, subscribe)
	f("stratum", 0, authorize)
	f("stratum", 0, subscribe, agentHello)
	f("stratum", 0, authorize, capabilities)
	f("agentPeer", 1, capabilities)
	f("agentPeer", 1, agentHello)
	f("agentPeer", 1, configure, agentHello)
	f("agentPeer", 1, configure, capabilities, subscribe)
}

// parcels is a dialect that nobody speaks: Stratum V1 whose messages are preceded by a
// length of up to 255, without a newline. Everything else is stratum's.
type parcels struct {
	stratum
	half []byte
}

type parcelled struct{}

func (parcelled) begin(*loop, *peer) dialect { return new(parcels) }

func (d *parcels) next(l *loop, p *peer, data, out []byte) (rest, answers []byte, effect session.Effect) {
	d.half = append(d.half, data...)
	for len(d.half) > 0 && len(d.half) > int(d.half[0]) && effect.Kind != session.Hangup {
		end := 1 + int(d.half[0])
		out, effect = l.line(p, d, d.half[1:end], out)
		d.half = append(d.half[:0], d.half[end:]...)
	}
	return nil, out, effect
}

func (d *parcels) request(l *loop, p *peer, out []byte) ([]byte, session.Effect) {
	before := len(out)
	out, effect := d.stratum.request(l, p, out)
	answer := strings.TrimSpace(string(out[before:]))
	return append(append(out[:before], byte(len(answer))), answer...), effect
}

// A port can be for one dialect only, from the first byte; its miners have lanes,
// books and prefixes like others.
func TestAListenerCanBeForOneDialect(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) {
		o.Listeners = append(o.Listeners, Listener{Address: "127.0.0.1:0", dialect: parcelled{}})
	})
	conn, err := net.Dial("tcp", f.server.Addresses()[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	ask := func(message string) string {
		t.Helper()
		parcel := append([]byte{byte(len(message))}, message...)
		conn.Write(parcel[:5])
		conn.Write(parcel[5:])
		size := make([]byte, 1)
		if _, err := io.ReadFull(conn, size); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, size[0])
		if _, err := io.ReadFull(conn, answer); err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	if got := ask(`{"id":1,"method":"mining.subscribe","params":[]}`); !strings.Contains(got, `"id":1,"result":[[`) {
		t.Errorf("mining.subscribe is answered %s", got)
	}
	if got := ask(`{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`); !strings.Contains(got, `"result":true`) {
		t.Errorf("mining.authorize is answered %s", got)
	}
	f.want(`"id":1,"result":[[`, `{"id":1,"method":"mining.subscribe","params":[]}`) // the other port is unchanged
	if list := f.workers(); len(list) != 1 || list[0].Name != "farm.rig" {
		t.Errorf("the workers are %+v", list)
	}
}
