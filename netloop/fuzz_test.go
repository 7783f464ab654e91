//go:build !race

package netloop

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/upstream"
)

// Who sends FuzzPeer's bytes.
const (
	aStranger = iota // from its first byte on
	aMiner           // that works
	anAgent          // whose miner works
	numPeers
)

// How they start, except for the stranger.
const (
	hello      = `{"id":1,"method":"mining.subscribe","params":["x"]}` + "\n" + `{"id":2,"method":"mining.authorize","params":["farm.r","x"]}` + "\n"
	agentHello = `{"id":1,"method":"mining.subscribe","params":["btccom-agent/2"]}` + "\n" + `{"id":2,"method":"mining.authorize","params":["farm"]}` + "\n" +
		`{"id":3,"method":"agent.get_capabilities","params":[["subres"]]}` + "\n"
)

// FuzzPeer feeds a whole peer: the bytes of a stranger, of a working miner, or of a
// working agent, in one read, in many, and through a transport. The answers and the
// close reason must be the same; no request is answered more often than it was made,
// and what is written stays in proportion to what was read.
func FuzzPeer(f *testing.F) {
	const share = `{"id":7,"method":"mining.submit","params":["farm.r","1","00000001","66a1b2d0","00000001"]}` + "\n"
	f.Add(uint8(aStranger), uint64(1), []byte(hello+share))
	f.Add(uint8(aStranger), uint64(2), []byte("\xef\xbb\xbf"+strings.Replace(hello, "\n", "\x00\n\x00\t", 2)+"GET / HTTP/1.1\r\n"))
	f.Add(uint8(aStranger), uint64(3), []byte(`{"id":"caps","method":"agent.get_capabilities","params":[[]]}`+"\n\x7f\x04\x06\x00\x01\x00{}\n"))
	f.Add(uint8(aMiner), uint64(4), []byte(share+share+"{\n"+hello+strings.Replace(share, "farm.r", "FARM.R", 1)))
	f.Add(uint8(aMiner), uint64(5), []byte(`{"id":8,"method":"mining.configure","params":[["version-rolling"],{}]}`+"\n"+`{"id":9,"method":"mining.authorize","params":["b`+"\xe4"+`r"]}`+"\n"))
	f.Add(uint8(aMiner), uint64(6), []byte("{"+strings.Repeat(" ", codec.MaxMinerLine)+"}\n"))
	var frames []byte
	frames = agent.AppendRegister(frames, 2, "cgminer", "w2")
	frames = agent.AppendSubmit(frames, &agent.Share{Job: 1, SID: 2, Nonce: 5, HasTime: true, NTime: 0x66a1b2d0})
	frames = agent.AppendUnregister(frames, 2)
	f.Add(uint8(anAgent), uint64(7), append(frames, hello...))
	f.Add(uint8(anAgent), uint64(8), append(append([]byte("\x7f\x01\x00\x04"), make([]byte, 1020)...), "\x7f\x02\x03\x00"...))
	f.Fuzz(func(t *testing.T, who uint8, cuts uint64, data []byte) {
		if len(data) > 16<<10 {
			return
		}
		whole := newFuzzedPeer(t, int(who%numPeers))
		whole.feed(slices.Clone(data))
		whole.check(data)
		random := rand.New(rand.NewPCG(cuts, 1))
		for how, pieces := range map[string]*fuzzedPeer{"in pieces": newFuzzedPeer(t, int(who%numPeers)), "through a transport": veiledPeer(t, int(who%numPeers))} {
			for rest := data; len(rest) > 0 && !pieces.closed; {
				n := min(1+random.IntN(1+random.IntN(200)), len(rest))
				pieces.feed(slices.Clone(rest[:n]))
				rest = rest[n:]
			}
			if a, b := whole.said(), pieces.said(); !slices.Equal(a, b) {
				t.Fatalf("%q\nin one read: %q\n%s: %q", data, a, how, b)
			}
			if whole.closed != pieces.closed || whole.peer.reason != pieces.peer.reason {
				t.Fatalf("%q: closed %v, %v in one read; %v, %v %s", data, whole.closed, whole.peer.reason, pieces.closed, pieces.peer.reason, how)
			}
		}
	})
}

// fuzzedPeer is a peer on its own loop, without gnet.
type fuzzedPeer struct {
	socket
	t       *testing.T
	loop    *loop
	peer    *peer
	written bytes.Buffer
	closed  bool
	veil    *veil // its end of a transport; nil: there is none
}

func (p *fuzzedPeer) Write(b []byte) (int, error) {
	if p.veil == nil {
		return p.written.Write(b)
	}
	return len(b), p.veil.Received(b, func(plain []byte) error {
		_, err := p.written.Write(plain)
		return err
	})
}

// closing is an event loop that closes a fuzzed peer, and reports it as gnet does.
type closing struct {
	gnet.EventLoop
	peer *fuzzedPeer
}

func (c closing) Close(gnet.Conn) error {
	c.peer.close()
	return nil
}

func (p *fuzzedPeer) close() {
	if !p.closed {
		p.closed = true
		p.loop.remove(p.peer)
	}
}

func newFuzzedPeer(t *testing.T, who int) *fuzzedPeer { return fuzzed(t, who, nil, nil) }

// veiledPeer is a peer with a transport.
func veiledPeer(t *testing.T, who int) *fuzzedPeer { return fuzzed(t, who, veils{}, newVeil()) }

func fuzzed(t *testing.T, who int, transports Transports, own *veil) *fuzzedPeer {
	p := &fuzzedPeer{t: t, loop: newBenchLoop(t, 4), veil: own}
	p.address = net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 4711}
	p.loop.gnet = closing{peer: p}
	p.loop.set(func(o *Settings) { o.Terms.MalformedLimit = 10 })
	p.loop.add(p, &listener{Listener: Listener{Transport: transports}})
	p.peer = p.context.(*peer)
	p.peer.marks |= checked // a PROXY header, which comes before a transport, has tests of its own
	switch who {
	case aMiner:
		p.feed([]byte(hello))
	case anAgent:
		p.feed(agent.AppendRegister([]byte(agentHello), 1, "cgminer", "w1"))
	}
	if feed := p.peer.feed; feed != nil {
		p.loop.post(&upstream.Post{Lane: feed.lane, Job: newBenchJob(1), Clean: true, Mask: 0x1fffe000, Difficulty: 1024})
		p.loop.fanOutFeed(feed)
	}
	if who != aStranger && (p.closed || p.peer.dialect.lastJob(p.peer) != 1) {
		t.Fatalf("the peer does not work: %s", p.written.Bytes())
	}
	p.written.Reset()
	return p
}

// feed is one read, and the end of the loop's turn.
func (p *fuzzedPeer) feed(data []byte) {
	if p.veil != nil {
		data, _ = p.veil.Append(nil, data)
	}
	if p.loop.read(p.peer, data) == gnet.Close {
		p.close()
	}
	if !p.closed {
		p.loop.judge()
		p.loop.flushAgents()
	}
	clear(data) // the loop reuses its buffer: nothing may keep a reference to it
}

// said returns the peer's answers without their order: those to the shares of a turn
// come together. Session ids are random.
func (p *fuzzedPeer) said() (list []string) {
	for rest := p.written.Bytes(); len(rest) > 0; {
		n := bytes.IndexByte(rest, '\n') + 1
		if rest[0] == agent.Magic {
			_, size, err := agent.NextFrame(rest)
			if n = size; err != nil || n == 0 {
				p.t.Fatalf("written: %q", rest)
			}
		} else if n == 0 || !json.Valid(rest[:n]) {
			p.t.Fatalf("written: %q", rest)
		}
		list = append(list, sessionIDs.ReplaceAllString(string(rest[:n]), `"SID"`))
		rest = rest[n:]
	}
	slices.Sort(list)
	return list
}

var sessionIDs = regexp.MustCompile(`"[0-9a-f]{16}"`)

// check compares what was written with what was read.
func (p *fuzzedPeer) check(data []byte) {
	if limit := 64*len(data) + 8<<10; p.written.Len() > limit {
		p.t.Fatalf("%d bytes were written for %d that were read", p.written.Len(), len(data))
	}
	answers := make(map[string]int)
	for _, text := range p.said() {
		var m struct {
			ID     json.RawMessage
			Method *string
		}
		if text[0] == '{' && json.Unmarshal([]byte(text), &m) == nil && m.Method == nil {
			answers[string(m.ID)]++
		}
	}
	for id, n := range answers {
		made := strings.Count(string(data), id)
		if id == "null" || !utf8.Valid(data) { // lines without an id, or with another spelling
			made = bytes.Count(data, []byte{'\n'})
		}
		if n > made {
			p.t.Fatalf("id %s: %d answers to %d requests in %q", id, n, made, data)
		}
	}
}
