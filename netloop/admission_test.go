package netloop

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"farmproxy/guard"
	"farmproxy/session"
	"farmproxy/upstream"
)

// closedFor returns how many connections were closed for a reason.
func (f *farm) closedFor(reason session.Reason) (n uint64) {
	for i := range f.server.loopCount {
		n += f.book.Loop(i).Closed[reason].Load()
	}
	return n
}

// dialFrom connects from an address of this machine, and sends something.
func (f *farm) dialFrom(from, say string) net.Conn {
	f.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", f.server.Addresses()[0])
	if errors.Is(err, syscall.ECONNRESET) { // it is closed sooner than it is here
		var other net.Conn
		c, other = net.Pipe()
		other.Close()
	} else if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, say) // it may be closed already
	return c
}

// wantClosed waits until a connection has been closed for a reason.
func (f *farm) wantClosed(c net.Conn, reason session.Reason, n uint64) {
	f.t.Helper()
	io.Copy(io.Discard, c)
	for begin := time.Now(); f.closedFor(reason) < n; {
		if time.Since(begin) > patience {
			f.t.Fatalf("%d are closed for %v, want %d", f.closedFor(reason), reason, n)
		}
		f.onLoops()
	}
}

// onLoops waits until each loop has had a turn.
func (f *farm) onLoops() {
	for _, l := range *f.server.loops.Load() {
		done := make(chan bool)
		l.mailbox.call(func() { close(done) })
		<-done
	}
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestAllowAndDeny(t *testing.T) {
	f := func(a Access, from string, denied bool) {
		t.Helper()
		if got := a.denies(netip.MustParseAddr(from)); got != denied {
			t.Errorf("%+v: %s is denied: %v, want %v", a, from, got, denied)
		}
	}
	f(Access{}, "10.0.0.1", false)
	f(Access{Deny: prefixes("10.0.0.0/24")}, "10.0.0.1", true)
	f(Access{Deny: prefixes("10.0.0.0/24")}, "10.0.1.1", false)
	f(Access{Allow: prefixes("10.0.0.0/8", "2001:db8::/32")}, "10.9.9.9", false)
	f(Access{Allow: prefixes("10.0.0.0/8", "2001:db8::/32")}, "2001:db8::1", false)
	f(Access{Allow: prefixes("10.0.0.0/8")}, "192.0.2.1", true)
	f(Access{Allow: prefixes("10.0.0.0/8"), Deny: prefixes("10.9.0.0/16")}, "10.9.0.1", true)
}

const subscribeLine = `{"id":1,"method":"mining.subscribe","params":[]}` + "\n"

// Behind a balancer the miner's own address counts, not the balancer's.
func TestDeniedByTheAddressInThePROXYHeader(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) {
		o.Listeners[0].Access = Access{Deny: prefixes("203.0.113.0/24", "127.0.0.9/32")}
		o.Listeners[0].ProxyProtocol = prefixes("127.0.0.1/32")
	})
	f.wantClosed(f.dialFrom("127.0.0.1", proxyV1+subscribeLine), session.Denied, 1)
	f.wantClosed(f.dialFrom("127.0.0.9", subscribeLine), session.Denied, 2)
	c := f.dialFrom("127.0.0.1", strings.Replace(proxyV1, "203.0.113.7", "198.51.100.7", 1)+subscribeLine)
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Errorf("a miner that is not denied: %v", err)
	}
}

func TestConnectionsOfOneAddress(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) { o.Guard = guard.Settings{Connections: 2} })
	first := f.dialFrom("127.0.0.2", subscribeLine)
	f.dialFrom("127.0.0.2", subscribeLine).Read(make([]byte, 1))
	f.wantClosed(f.dialFrom("127.0.0.2", subscribeLine), session.TooManyConnections, 1)
	if _, err := f.dialFrom("127.0.0.3", subscribeLine).Read(make([]byte, 1)); err != nil {
		t.Errorf("another address: %v", err)
	}
	first.Close()
	for begin := time.Now(); f.closedFor(session.MinerLeft) == 0 && time.Since(begin) < patience; {
		f.onLoops()
	}
	if _, err := f.dialFrom("127.0.0.2", subscribeLine).Read(make([]byte, 1)); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}

// Each limit of a connection: what it takes, and one more.
func TestFloodsOfOneConnection(t *testing.T) {
	t.Parallel()
	login := subscribeLine + `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}` + "\n"
	ping := `{"id":3,"method":"mining.ping","params":[]}` + "\n"
	bad := `{"id":4,"method":"mining.submit","params":["farm.rig","1","0000","66a1b2d0","00000001"]}` + "\n" // an unknown job
	const second = 4                                                                                         // seconds in which they are counted
	for _, x := range []struct {
		limits Limits
		line   string
		most   int
		reason session.Reason
	}{
		{Limits{Messages: 10}, ping, 10*second - 2, session.MessageFlood},
		{Limits{Shares: 5}, bad, 5*second + 1, session.ShareFlood},
		{Limits{Invalid: 3}, bad, 3*second + 1, session.InvalidFlood},
	} {
		f := newFarm(t, func(o *Options) { o.Limits = x.limits })
		send := func(n int) net.Conn {
			return f.dialFrom("127.0.0.2", login+strings.Repeat(x.line, n))
		}
		f.wantClosed(send(x.most+1), x.reason, 1)
		c := send(x.most)
		for lines := 0; lines < x.most; { // all are answered
			var b [4096]byte
			n, err := c.Read(b[:])
			if err != nil {
				t.Fatalf("%+v: after %d lines: %v", x.limits, lines, err)
			}
			lines += strings.Count(string(b[:n]), "\n")
		}
		f.onLoops()
		if n := f.closedFor(x.reason); n != 1 {
			t.Errorf("%+v: %d are closed for %v", x.limits, n, x.reason)
		}
	}
}

// Refused logins have a limit; those that succeed do not count.
func TestRefusedLogins(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) { o.Limits = Limits{Logins: 3} })
	f.want("f", `{"id":1,"method":"mining.subscribe","params":[]}`)
	p := &peer{}
	l := (*f.server.loops.Load())[0]
	for i, want := range []session.EffectKind{session.None, session.None, session.Hangup} {
		if e := l.refusedLogin(p); e.Kind != want {
			t.Errorf("refusal %d: %v, want %v", i+1, e.Kind, want)
		}
	}
}

// Those of an agent did not count.
func TestRefusedLoginsOfAnAgent(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) { o.Limits = Limits{Logins: 3} })
	f.directory.Set(upstream.Everybody{})
	f.want("capabilities", `{"id":1,"method":"agent.get_capabilities","params":[]}`)
	for i := range 3 {
		f.want("Unknown account", `{"id":2,"method":"mining.authorize","params":["guess%d"]}`, i)
	}
	f.wantClosed(f.conn, session.TooManyLogins, 1)
}

// A flood from one address is banned, its connections are closed, and lifting the ban
// lets it in; the same flood from an address with a miner that works is not.
func TestAFloodIsBanned(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) {
		o.Limits = Limits{Messages: 1}
		o.Guard = guard.Settings{BanAfter: 3, BanTime: time.Hour}
	})
	flood := subscribeLine + strings.Repeat(`{"id":3,"method":"mining.ping","params":[]}`+"\n", 5)
	attack := func(from string, times, before int) {
		for i := range times {
			f.wantClosed(f.dialFrom(from, flood), session.MessageFlood, uint64(before+i+1))
		}
	}
	f.server.guard.Works(netip.MustParseAddr("127.0.0.2"), 0)
	attack("127.0.0.2", 4, 0)
	if list, _ := f.server.Bans(); len(list) != 0 {
		t.Errorf("banned are %+v, where a miner works", list)
	}
	idle := f.dialFrom("127.0.0.3", subscribeLine)
	attack("127.0.0.3", 3, 4)
	f.wantClosed(idle, session.Banned, 1)
	list, now := f.server.Bans()
	if len(list) != 1 || list[0].Address.String() != "127.0.0.3" || list[0].Reason != "message_flood" || list[0].Until-now > time.Hour {
		t.Fatalf("banned are %+v", list)
	}
	f.wantClosed(f.dialFrom("127.0.0.3", subscribeLine), session.Banned, 2)
	if !f.server.Lift(netip.MustParseAddr("127.0.0.3")) || f.server.Lift(netip.MustParseAddr("127.0.0.3")) {
		t.Error("the ban is not lifted once")
	}
	if _, err := f.dialFrom("127.0.0.3", subscribeLine).Read(make([]byte, 1)); err != nil {
		t.Errorf("after the ban: %v", err)
	}
}
