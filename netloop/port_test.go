package netloop

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"farmproxy/session"
)

// dialed is a connection that ends with the test.
func dialed(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// listen has the farm's server listen on these from now on.
func (f *farm) listen(list ...Listener) error {
	o := f.server.settings.Load().Settings
	o.Listeners = list
	return f.server.Configure(o)
}

func isRefused(t *testing.T, address string) {
	t.Helper()
	if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%s takes newcomers: %v, %v", address, conn, err)
	}
}

// A port that is taken out of the list is closed, one that is new in it is open, and all
// others stay as they are; so does everybody who is connected.
func TestPortsComeAndGo(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) { o.Listeners = append(o.Listeners, Listener{Address: "127.0.0.2:0"}) })
	f.want("f", `{"id":1,"method":"mining.subscribe","params":[]}`)
	before := f.server.Addresses()
	if err := f.listen(Listener{Address: "127.0.0.2:0"}, Listener{Address: "127.0.0.3:0"}); err != nil {
		t.Fatal(err)
	}
	now := f.server.Addresses()
	if now[0] != before[1] || !strings.HasPrefix(now[1], "127.0.0.3:") || len(now) != 2 {
		t.Errorf("%q became %q", before, now)
	}
	isRefused(t, before[0])
	f.want("true", `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	for _, address := range now {
		conn := dialed(t, address)
		io.WriteString(conn, `{"id":1,"method":"mining.subscribe","params":[]}`+"\n")
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The same port may say something else about those who come from now on.
func TestAPortThatStaysChanges(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(*Options) {})
	f.want("f", `{"id":1,"method":"mining.subscribe","params":[]}`)
	at := f.server.Addresses()[0]
	if err := f.listen(Listener{Address: "127.0.0.1:0", ProxyProtocol: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}); err != nil {
		t.Fatal(err)
	}
	if now := f.server.Addresses(); len(now) != 1 || now[0] != at {
		t.Errorf("%s became %q", at, now)
	}
	f.want("true", `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	without := dialed(t, at)
	io.WriteString(without, `{"id":1,"method":"mining.ping","params":[]}`+"\n")
	if said, _ := io.ReadAll(without); len(said) > 0 {
		t.Errorf("a newcomer without a PROXY header is told %q", said)
	}
	if n := f.book.Loop(0).Closed[session.ProxyHeader].Load(); n != 1 {
		t.Errorf("%d were closed for it", n)
	}
}

// A list with a port that can't be had changes nothing: no port, no setting.
func TestAPortThatIsTakenChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(*Options) {})
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	o := f.server.settings.Load().Settings
	o.MaxMiners = 1
	o.Listeners = []Listener{{Address: "127.0.0.4:0"}, {Address: other.Addr().String()}}
	before := f.server.Addresses()
	if err := f.server.Configure(o); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), other.Addr().String()) {
		t.Errorf("%v", err)
	}
	if now := f.server.Addresses(); len(now) != 1 || now[0] != before[0] || f.server.settings.Load().MaxMiners == 1 {
		t.Errorf("%q became %q, %+v", before, now, f.server.settings.Load())
	}
	dialed(t, before[0])
}

// A whole farm connects at once: everybody is served, and the loops share them evenly.
func TestAllMinersConnectAtOnce(t *testing.T) {
	t.Parallel()
	const loops, miners = 4, 200
	s := newLoops(t, loops)
	o := s.settings.Load().Settings
	o.MaxMiners = miners
	if err := s.Configure(o); err != nil {
		t.Fatal(err)
	}
	var coming sync.WaitGroup
	for range miners {
		conn := dialed(t, s.Addresses()[0])
		coming.Go(func() {
			io.WriteString(conn, `{"id":1,"method":"mining.ping","params":[]}`+"\n")
			if _, err := conn.Read(make([]byte, 100)); err != nil {
				t.Error(err)
			}
		})
	}
	coming.Wait()
	for i := range loops {
		if n := s.book.Loop(i).Miners.Load(); n < miners/loops-acceptors || n > miners/loops+acceptors {
			t.Errorf("loop %d has %d miners of %d", i, n, miners)
		}
	}
}

// A port whose accept fails, as without descriptors, says so once, and goes on when it
// can.
func TestAPortOutlivesAShortage(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer // slog writes one line at a time
	f := newFarm(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	f.want("f", `{"id":1,"method":"mining.subscribe","params":[]}`)
	p := f.server.ports.open[0]
	p.socket.SetDeadline(time.Now())
	for !p.failing.Load() {
		runtime.Gosched()
	}
	p.socket.SetDeadline(time.Time{})
	late := dialed(t, f.server.Addresses()[0])
	io.WriteString(late, `{"id":1,"method":"mining.ping","params":[]}`+"\n")
	if _, err := late.Read(make([]byte, 100)); err != nil {
		t.Error(err)
	}
	f.want("true", `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	f.server.Stop(t.Context())
	if n := strings.Count(log.String(), "cannot accept miners"); n != 1 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}
