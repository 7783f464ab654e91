//go:build !race

package netloop

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"farmproxy/session"
	"farmproxy/transport"
	"farmproxy/upstream"
)

// secured returns both sides' TLS.
func secured(t testing.TB) (server Transports, client *tls.Config) {
	t.Helper()
	https := httptest.NewTLSServer(nil)
	https.Close()
	roots := x509.NewCertPool()
	roots.AddCert(https.Certificate())
	return tlsServer{&tls.Config{Certificates: https.TLS.Certificates}}, &tls.Config{RootCAs: roots, ServerName: "example.com"}
}

// tlsHello returns what a client sends first.
func tlsHello(config *tls.Config) []byte {
	c := transport.Client(config)
	defer c.Close()
	b, _ := c.Append(nil, nil)
	return b
}

// manyHalf is how many handshakes are held open, if there are descriptors for both ends.
const manyHalf = 5000

// Thousands hold their handshake open: half of them in the middle of their hello, half
// without an answer to ours. Honest miners are served meanwhile; the others are closed
// when their time is up.
func TestHalfAHandshakeHeldOpenThousandsOfTimes(t *testing.T) {
	many := manyHalf
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && files.Cur < 2*manyHalf+1000 {
		many = int(files.Cur)/2 - 500
		t.Logf("%d descriptors leave room for %d", files.Cur, many)
	}
	server, client := secured(t)
	f := newFarmBehind(t, server, func(c net.Conn) net.Conn { return tls.Client(c, client) })
	o := f.server.settings.Load().Settings
	o.MaxMiners = many + 10
	if err := f.server.Configure(o); err != nil {
		t.Fatal(err)
	}
	whole := tlsHello(client)
	for i := range many {
		c, err := net.Dial("tcp", f.server.Addresses()[1])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		say := whole
		if i%2 == 0 {
			say = whole[:len(whole)/2]
		}
		if _, err := c.Write(say); err != nil {
			t.Fatal(err)
		}
	}
	// The farm's first connection was made before all others, and its time may be up.
	f.connectBehind("127.0.0.2", func(c net.Conn) net.Conn { return tls.Client(c, client) })
	f.want(`"result":[[`, `{"id":1,"method":"mining.subscribe","params":["cgminer/4.12.1"]}`)
	f.want(`"result":true`, `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	s := &f.server.shaker
	s.mu.Lock()
	open := s.open.Len()
	s.mu.Unlock()
	if open > maxHandshakes {
		t.Errorf("%d handshakes are open, want %d at most", open, maxHandshakes)
	}
	l := (*f.server.loops.Load())[0]
	deadline := time.Now().Add(patience)
	for closed := uint64(0); closed < uint64(many); {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d are closed", closed, many)
		}
		told := make(chan uint64)
		l.mailbox.call(func() {
			l.clock()
			for i := range l.slots { // their time is up
				if p := l.slots[i].peer; p != nil && p.transport() != nil && p.transport().hands != nil {
					p.session.Open(l.env.Now - handshakeTime - time.Second)
				}
			}
			for range tickShare {
				l.tick()
			}
			told <- l.counts.Closed[session.HandshakeTimeout].Load()
		})
		closed = <-told
	}
	f.want(`"result":"pong"`, `{"id":3,"method":"mining.ping","params":[]}`)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open.Len() > 0 {
		t.Errorf("%d handshakes are open after all have ended", s.open.Len())
	}
}

// A handshake and what a miner sends right behind it may be cut anywhere.
func TestAHandshakeInPieces(t *testing.T) {
	t.Parallel()
	server, client := secured(t)
	for _, size := range []int{1, 7, 300} {
		f := newFarmBehind(t, server, func(c net.Conn) net.Conn { return tls.Client(&pieces{c, size}, client) })
		f.want(`"result":[[`, `{"id":1,"method":"mining.subscribe","params":["cgminer/4.12.1"]}`)
		f.want(`"result":true`, `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	}
}

// pieces writes in pieces.
type pieces struct {
	net.Conn
	size int
}

func (p *pieces) Write(b []byte) (n int, err error) {
	for err == nil && len(b) > 0 {
		var m int
		m, err = p.Conn.Write(b[:min(len(b), p.size)])
		n, b = n+m, b[m:]
	}
	return n, err
}

// A hello, or what comes before the end of a handshake, has a bound.
func TestTooMuchForAHandshake(t *testing.T) {
	t.Parallel()
	server, _ := secured(t)
	f := newFarmBehind(t, server, func(c net.Conn) net.Conn { return c })
	f.conn.Write(append([]byte{0x16, 3, 1, 0xff, 0xff}, make([]byte, maxHello)...))
	if _, err := f.lines.ReadByte(); err == nil {
		t.Error("a hello without an end is answered")
	}
	l, told := (*f.server.loops.Load())[0], make(chan uint64)
	l.mailbox.call(func() { told <- l.counts.Closed[session.TransportFailed].Load() })
	if n := <-told; n != 1 {
		t.Errorf("%d are closed for it", n)
	}
}

// slowHands is a handshake that goes on as told.
type slowHands struct {
	Handshaker
	done   bool
	err    error
	closed int
}

func (h *slowHands) Handshake([]byte) ([]byte, bool, error) { return nil, h.done, h.err }
func (h *slowHands) Close()                                 { h.closed++ }

// newShaker returns a shaker whose work the test does.
func newShaker() *shaker {
	s := new(shaker)
	s.ready(0, time.Now(), func(*step) {}, func(bool) {})
	s.begin = func() {}
	return s
}

func (s *shaker) come(from string, cookie int) *step {
	x := &step{cookie: upstream.Cookie(cookie), from: netip.MustParseAddr(from), hands: &handshake{with: new(slowHands)}}
	s.put(x)
	return x
}

// serve does the next step as work does; it returns whose it was, 0 if there is none.
func (s *shaker) serve() (cookie upstream.Cookie, late bool) {
	s.mu.Lock()
	var x *step
	if len(s.further) > 0 {
		x = s.further[0]
		s.further = s.further[1:]
	} else {
		x = s.hello()
	}
	s.mu.Unlock()
	switch {
	case x == nil:
		return 0, false
	case !x.late:
		x.data, x.done, x.err = x.hands.with.Handshake(nil)
		s.answered(x)
	}
	return x.cookie, x.late
}

// Hellos of each address are served in turn; steps of handshakes that have begun, before.
func TestHellosAreServedInTurn(t *testing.T) {
	s := newShaker()
	first := s.come("10.0.0.1", 1)
	s.come("10.0.0.1", 2)
	s.come("10.0.0.1", 3)
	s.come("10.0.0.2", 4)
	if cookie, _ := s.serve(); cookie != 1 {
		t.Errorf("%d is served first", cookie)
	}
	s.put(first) // its next step
	for _, want := range []upstream.Cookie{1, 4, 2, 3, 0} {
		if cookie, _ := s.serve(); cookie != want {
			t.Errorf("%d is served, want %d", cookie, want)
		}
	}
}

// When as many as may be are open, the one that has left its answer unanswered for
// longest gives way, but not before its time; one that ends makes room at once.
func TestDawdlersGiveWay(t *testing.T) {
	s := newShaker()
	var all []*step
	for i := range maxHandshakes {
		all = append(all, s.come("10.0.0.1", i+1))
		s.serve()
	}
	s.put(all[0]) // it answers, and is the last from now on
	s.serve()
	s.come("10.0.0.2", 9001)
	want := func(cookie upstream.Cookie, late bool) {
		t.Helper()
		if c, l := s.serve(); c != cookie || l != late {
			t.Errorf("%d is served, late %v; want %d, %v", c, l, cookie, late)
		}
	}
	want(0, false)
	s.since = s.since.Add(-handshakePatience) // time passes
	want(2, true)
	want(9001, false)
	s.come("10.0.0.2", 9002)
	all[5].hands.with.(*slowHands).err = errors.New("no")
	s.put(all[5])
	want(6, false)
	want(9002, false)
	gone := s.come("10.0.0.3", 9003)
	gone.hands.gone.Store(true)
	s.over(all[7].hands) // its connection has closed
	want(0, false)
	if gone.hands.with.(*slowHands).closed != 1 {
		t.Error("a handshake whose connection has closed is not closed")
	}
}

// Many handshakes at once are a storm, which lasts until a tick finds few: it is told of once
// each time.
func TestAStormOfHandshakes(t *testing.T) {
	s := newShaker()
	var told []bool
	s.storm = func(begins bool) { told = append(told, begins) }
	want := func(when string, want ...bool) {
		t.Helper()
		if !slices.Equal(told, want) {
			t.Errorf("%s: it was told %v, want %v", when, told, want)
		}
	}
	var steps []*step
	for i := range stormy - 1 {
		steps = append(steps, s.come("10.0.0.1", i+1))
	}
	s.watch(false)
	want("few")
	steps = append(steps, s.come("10.0.0.2", stormy))
	s.serve() // that one is under way, the others wait
	s.watch(false)
	s.watch(false)
	want("many", true)
	for _, x := range steps {
		x.hands.with.(*slowHands).done = true
	}
	for range steps {
		s.serve()
	}
	s.watch(false)
	want("all but one are done, before the tick", true)
	s.tick()
	s.tick()
	want("after it", true, false)
}
