package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// town is a name's addresses, and the fate of a connection to each, in a test's bubble.
type town struct {
	six, four           string // addresses
	sixTakes, fourTakes time.Duration
	sixFails            error
	dead                string // take no connection, silently
	shut                string // refuse it at once
	slow                time.Duration

	mu    sync.Mutex
	began []string // address@ms
	open  int
	most  int
	start time.Time
}

// townConn is a connection that does nothing.
type townConn struct {
	net.Conn
	addr netip.Addr
}

func (*townConn) Close() error { return nil }

// addrOf returns where a connection leads to.
func addrOf(conn net.Conn) string { return Bottom(conn).Conn.(*townConn).addr.String() }

func addrs(text string) (list []netip.Addr) {
	for _, f := range strings.Fields(text) {
		list = append(list, netip.MustParseAddr(f))
	}
	return list
}

func (w *town) sockets() *sockets {
	w.start = time.Now()
	return &sockets{
		lookup: func(ctx context.Context, network, host string) ([]netip.Addr, error) {
			takes, text, fails := w.fourTakes, w.four, error(nil)
			if network == "ip6" {
				takes, text, fails = w.sixTakes, w.six, w.sixFails
			}
			select {
			case <-time.After(takes):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			if text == "" && fails == nil {
				fails = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			return addrs(text), fails
		},
		connect: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			address := to.Addr().String()
			w.mu.Lock()
			w.began = append(w.began, fmt.Sprintf("%s@%d", address, time.Since(w.start).Milliseconds()))
			w.open++
			w.most = max(w.most, w.open)
			w.mu.Unlock()
			defer func() { w.mu.Lock(); w.open--; w.mu.Unlock() }()
			var there <-chan time.Time
			switch {
			case slices.Contains(strings.Fields(w.dead), address):
			case slices.Contains(strings.Fields(w.shut), address):
				return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: errors.New("connection refused")}
			default:
				there = time.After(w.slow)
			}
			select {
			case <-there:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return &townConn{addr: to.Addr()}, nil
		},
	}
}

const many = "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 10.0.0.9 10.0.0.10 10.0.0.11 10.0.0.12"

func TestAddressesAreRaced(t *testing.T) {
	for _, c := range []struct {
		name  string
		town  *town
		begun string // attempts, with their start in ms
		won   string // "": none
	}{
		{"one address", &town{four: "10.0.0.1"}, "10.0.0.1@0", "10.0.0.1"},
		{"IPv6 first", &town{six: "fd00::1", four: "10.0.0.1"}, "fd00::1@0", "fd00::1"},
		{"IPv4 beside an IPv6 that does not answer", &town{six: "fd00::1", four: "10.0.0.1", dead: "fd00::1"}, "fd00::1@0 10.0.0.1@250", "10.0.0.1"},
		{"at once where it is refused", &town{six: "fd00::1", four: "10.0.0.1", shut: "fd00::1"}, "fd00::1@0 10.0.0.1@0", "10.0.0.1"},
		{"in turn", &town{six: "fd00::1 fd00::2", four: "10.0.0.1 10.0.0.2", dead: "fd00::1 fd00::2 10.0.0.1"}, "fd00::1@0 10.0.0.1@250 fd00::2@500 10.0.0.2@2500", "10.0.0.2"},
		{"a slow one wins if no other is there", &town{six: "fd00::1", four: "10.0.0.1", dead: "10.0.0.1", slow: time.Second}, "fd00::1@0 10.0.0.1@250", "fd00::1"},
		{"IPv4 waits a little for a name server that is slow with IPv6", &town{six: "fd00::1", four: "10.0.0.1", sixTakes: 40 * time.Millisecond}, "fd00::1@40", "fd00::1"},
		{"and not for long", &town{six: "fd00::1", four: "10.0.0.1", sixTakes: time.Minute}, "10.0.0.1@50", "10.0.0.1"},
		{"IPv6 that comes late is tried too", &town{six: "fd00::1", four: "10.0.0.1", sixTakes: time.Second, dead: "10.0.0.1"}, "10.0.0.1@50 fd00::1@1000", "fd00::1"},
		{"IPv6 does not wait for IPv4", &town{six: "fd00::1", four: "10.0.0.1", fourTakes: time.Minute}, "fd00::1@0", "fd00::1"},
		{"no IPv6 at all", &town{four: "10.0.0.1", sixFails: errors.New("server misbehaving")}, "10.0.0.1@0", "10.0.0.1"},
		{"no address at all", &town{}, "", ""},
		{"all refused", &town{six: "fd00::1", four: "10.0.0.1", shut: "fd00::1 10.0.0.1"}, "fd00::1@0 10.0.0.1@0", ""},
		{"of many, some at a time", &town{four: many, dead: many}, "10.0.0.1@0 10.0.0.2@250 10.0.0.3@500 10.0.0.4@2500 10.0.0.5@2750 10.0.0.6@3000 10.0.0.7@5000 10.0.0.8@5250", ""},
		{"of many that refuse, eight", &town{four: many, shut: many}, "10.0.0.1@0 10.0.0.2@0 10.0.0.3@0 10.0.0.4@0 10.0.0.5@0 10.0.0.6@0 10.0.0.7@0 10.0.0.8@0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := c.town.sockets()
				ctx, cancel := context.WithTimeout(t.Context(), Timeout)
				defer cancel()
				conn, err := s.dial(ctx, "pool.test:3333")
				won := ""
				if err == nil {
					won = addrOf(conn)
				}
				equal(t, "begun", strings.Join(c.town.began, " "), c.begun)
				equal(t, fmt.Sprintf("won (%v)", err), won, c.won)
				equal(t, "under way afterwards", c.town.open, 0)
				if c.town.most > maxRacing {
					t.Errorf("%d attempts at a time, want %d at most", c.town.most, maxRacing)
				}
			})
		})
	}
}

// An address that accepts connections but is then useless must not hide the others: the
// next attempt begins with the next address.
func TestTheNextAttemptBeginsWithTheNextAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{four: "10.0.0.1 10.0.0.2 10.0.0.3"}
		s := w.sockets()
		want := func(what, addr string) net.Conn {
			t.Helper()
			conn, err := s.dial(t.Context(), "pool.test:3333")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, what, addrOf(conn), addr)
			time.Sleep(time.Second)
			return conn
		}
		Rate(want("first", "10.0.0.1"), false)
		Rate(want("after the first failed", "10.0.0.2"), false)
		Rate(want("after the second failed", "10.0.0.3"), false)
		Rate(want("after all failed: the longest ago", "10.0.0.1"), false)
		Rate(want("and again", "10.0.0.2"), true)
		want("where it worked, it is first", "10.0.0.2")
		time.Sleep(forgetFailed)
		Rate(want("for good", "10.0.0.2"), false)
		want("until it fails", "10.0.0.1")
		w.four = "10.0.0.2 10.0.0.1" // the name server rotates them
		want("in whatever order", "10.0.0.1")
		time.Sleep(forgetFailed)
		want("what failed is forgotten in time", "10.0.0.2")

		equal(t, "another name's", len(s.addresses.order("other.test", nil, addrs("10.0.0.2 10.0.0.1"), time.Now())), 2)
	})
}

func TestWhatIsKeptOfAddressesIsBounded(t *testing.T) {
	var a addresses
	now := time.Now()
	for i := range maxHosts + 10 {
		a.works(fmt.Sprint("host", i), netip.Addr{})
	}
	if n := len(a.hosts); n > maxHosts {
		t.Errorf("%d names", n)
	}
	for i := range 10_000 {
		a.failed("host", netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), now)
	}
	if n := len(a.hosts["host"].failed); n > 2*maxPerFamily {
		t.Errorf("%d addresses of a name", n)
	}
	if n := len(a.order("x", make([]netip.Addr, 5000), make([]netip.Addr, 5000), now)); n > 2*maxPerFamily {
		t.Errorf("%d addresses to be tried", n)
	}
}
