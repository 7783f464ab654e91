//go:build !race

package netloop

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/session"
	"farmproxy/transport"
	"farmproxy/upstream"
)

// veil is a transport that nobody uses: each side first sends its key of four bytes,
// and then records: a length of two bytes, and that many bytes, XORed with the key and
// their number.
type veil struct {
	key, other [4]byte
	said       bool // the key
	known      bool // the other's
	in         []byte
	alert      []byte
	nth, their int
	closed     int
}

// maxVeiled is the longest record.
const maxVeiled = 50

var errVeil = errors.New("that is no record")

func newVeil() *veil { return &veil{key: [4]byte{0xaa, '\n', '{', 0x7f}} }

type veils struct{}

func (veils) New() Transport { return newVeil() }

func (v *veil) Received(data []byte, take func([]byte) error) error {
	v.in = append(v.in, data...)
	if !v.known && len(v.in) >= len(v.other) {
		v.known = true
		v.in = v.in[copy(v.other[:], v.in):]
	}
	for v.known && len(v.in) >= 2 {
		size := int(binary.BigEndian.Uint16(v.in))
		if size > maxVeiled {
			v.alert = []byte("alert")
			return errVeil
		}
		if len(v.in) < 2+size {
			return nil
		}
		plain := make([]byte, size)
		for i, b := range v.in[2 : 2+size] {
			plain[i] = b ^ v.other[v.their%4] ^ byte(v.their)
			v.their++
		}
		v.in = v.in[2+size:]
		if err := take(plain); err != nil {
			return err
		}
		clear(plain)
	}
	return nil
}

func (v *veil) Append(dst, plain []byte) ([]byte, error) {
	if !v.said {
		v.said = true
		dst = append(dst, v.key[:]...)
	}
	dst = append(dst, v.alert...)
	v.alert = nil
	for len(plain) > 0 {
		size := min(maxVeiled, len(plain))
		dst = binary.BigEndian.AppendUint16(dst, uint16(size))
		for _, b := range plain[:size] {
			dst = append(dst, b^v.key[v.nth%4]^byte(v.nth))
			v.nth++
		}
		plain = plain[size:]
	}
	return dst, nil
}

func (v *veil) Waiting() (n int) {
	if n = len(v.alert); !v.said && v.known {
		n += len(v.key)
	}
	return n
}

func (v *veil) Close() { v.closed++ }

// veiled is the other end of a real socket.
type veiled struct {
	net.Conn
	veil *veil
	got  []byte
}

func (c *veiled) Write(b []byte) (int, error) {
	raw, _ := c.veil.Append(nil, b)
	for i := range raw { // in the smallest possible pieces
		if _, err := c.Conn.Write(raw[i : i+1]); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func (c *veiled) Read(b []byte) (int, error) {
	for raw := make([]byte, 1000); len(c.got) == 0; {
		n, err := c.Conn.Read(raw)
		if err != nil {
			return 0, err
		}
		if err := c.veil.Received(raw[:n], func(plain []byte) error { c.got = append(c.got, plain...); return nil }); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.got)
	c.got = c.got[n:]
	return n, nil
}

// newVeiledFarm is a farm whose miner connects through a veil.
func newVeiledFarm(t *testing.T) *farm {
	t.Helper()
	return newFarmBehind(t, veils{}, func(c net.Conn) net.Conn { return &veiled{Conn: c, veil: newVeil()} })
}

// newFarmBehind is a farm whose miner connects through a transport.
func newFarmBehind(t *testing.T, transports Transports, other func(net.Conn) net.Conn) *farm {
	t.Helper()
	f := newFarm(t, func(o *Options) {
		o.Listeners = append(o.Listeners, Listener{Address: "127.0.0.1:0", Transport: transports})
	})
	f.connectBehind("127.0.0.1", other)
	return f
}

// connectBehind connects the farm's miner, from an address, behind its transport.
func (f *farm) connectBehind(from string, other func(net.Conn) net.Conn) {
	t := f.t
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("tcp", f.server.Addresses()[1])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	f.conn = other(conn)
	f.lines = bufio.NewReader(f.conn)
}

// onLoop runs a function on the farm's last peer, once it is on a lane.
func (f *farm) onLoop(do func(l *loop, p *peer)) {
	for done := make(chan bool, 1); ; runtime.Gosched() {
		for _, l := range *f.server.loops.Load() {
			l.mailbox.call(func() {
				var p *peer
				if n := len(l.slots); n > 0 { // else it is still on its way to the loop
					p = l.slots[n-1].peer
				}
				joined := p != nil && p.feed != nil
				if joined {
					do(l, p)
				}
				done <- joined
			})
			if <-done {
				return
			}
		}
	}
}

// sendJob has a job fanned out to the peer's lane.
func (f *farm) sendJob() {
	f.onLoop(func(l *loop, p *peer) {
		l.post(&upstream.Post{Lane: p.feed.lane, Job: newBenchJob(1), Clean: true, Mask: 0x1fffe000, Difficulty: 1024})
		l.fanOut()
	})
}

// wantLines reads lines that must contain the given texts, in order.
func (f *farm) wantLines(want ...string) {
	f.t.Helper()
	for _, part := range want {
		if line := f.line(); !strings.Contains(line, part) {
			f.t.Errorf("%s, want %s", line, part)
		}
	}
}

// wantAll is wantLines in any order: the job may come before the last answer.
func (f *farm) wantAll(want ...string) {
	f.t.Helper()
	var lines []string
	for range want {
		lines = append(lines, f.line())
	}
	for _, part := range want {
		if !strings.Contains(strings.Join(lines, "\n"), part) {
			f.t.Errorf("%s, want %s among them", lines, part)
		}
	}
}

func TestAMinerBehindATransport(t *testing.T) {
	t.Parallel()
	f := newVeiledFarm(t)
	f.want(`"result":[[`, `{"id":1,"method":"mining.subscribe","params":["cgminer/4.12.1"]}`)
	f.want(`"result":true`, `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	f.sendJob()
	f.wantLines("mining.set_difficulty", "mining.notify")
	f.want(`"error":[23,`, `{"id":4,"method":"mining.submit","params":["farm.rig","1","0000","66a1b2d0","00000001"]}`)
	var wire *veil
	f.onLoop(func(_ *loop, p *peer) { wire = p.transport().Transport.(*veil) })
	io.WriteString(f.conn, "GET / HTTP/1.1\n")
	if rest, err := io.ReadAll(f.lines); err != nil && err != io.ErrUnexpectedEOF || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	l, closed := (*f.server.loops.Load())[0], make(chan int, 1)
	l.mailbox.call(func() { closed <- wire.closed })
	if n := <-closed; n != 1 {
		t.Errorf("the transport was closed %d times", n)
	}
}

func TestAnAgentBehindATransport(t *testing.T) {
	t.Parallel()
	f := newVeiledFarm(t)
	io.WriteString(f.conn, agentHello)
	f.sendJob()
	f.wantAll(`"id":1,"result":[[`, `"id":2,"result":true`, `"id":3,"result":{`, "mining.set_difficulty", "mining.notify")
	f.conn.Write(agent.AppendSubmit(agent.AppendRegister(nil, 1, "cgminer", "w1"), &agent.Share{Job: 1, SID: 1, Nonce: 5, HasTime: true, NTime: 0x66a1b2d0}))
	head := make([]byte, 4)
	if _, err := io.ReadFull(f.lines, head); err != nil || head[0] != agent.Magic {
		t.Fatalf("the share is answered %x, %v", head, err)
	}
	if list := f.workers(); len(list) != 1 || list[0].Name != "farm.w1" {
		t.Errorf("the workers are %+v", list)
	}
}

// The transport's own bytes are sent, and what it rejects is closed for a reason of
// its own; a miner refused for lack of room is told nothing in plain text.
func TestATransportThatGivesUp(t *testing.T) {
	t.Parallel()
	f := newVeiledFarm(t)
	raw := f.conn.(*veiled).Conn
	raw.Write([]byte("key!\xff\xff"))
	if said, err := io.ReadAll(raw); err != nil || string(said) != "\xaa\n{\x7falert" {
		t.Errorf("it said %q, %v", said, err)
	}
	l, closed := (*f.server.loops.Load())[0], make(chan uint64, 1)
	l.mailbox.call(func() {
		l.set(func(o *Settings) { o.MaxMiners = 0 })
		closed <- l.counts.Closed[session.TransportFailed].Load()
	})
	if n := <-closed; n != 1 {
		t.Errorf("%d are closed for it", n)
	}
	late, err := net.Dial("tcp", f.server.Addresses()[1])
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	late.SetDeadline(time.Now().Add(patience))
	if said, err := io.ReadAll(late); err != nil || len(said) > 0 {
		t.Errorf("one too many was told %q, %v", said, err)
	}
}

// tlsServer makes package transport's server side for crypto/tls.
type tlsServer struct{ *tls.Config }

func (s tlsServer) New() Transport { return transport.Server(s.Config) }

// The transport of links also works for miners.
func TestAMinerBehindTLS(t *testing.T) {
	t.Parallel()
	https := httptest.NewTLSServer(nil)
	https.Close()
	roots := x509.NewCertPool()
	roots.AddCert(https.Certificate())
	f := newFarmBehind(t, tlsServer{&tls.Config{Certificates: https.TLS.Certificates}}, func(c net.Conn) net.Conn {
		return tls.Client(c, &tls.Config{RootCAs: roots, ServerName: "example.com"})
	})
	f.want(`"result":[[`, `{"id":1,"method":"mining.subscribe","params":["cgminer/4.12.1"]}`)
	f.want(`"result":true`, `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	f.sendJob()
	f.wantLines("mining.set_difficulty", "mining.notify")
}
