package api

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := noon
	l := newLimiter(2)
	l.now = func() time.Time { return now }
	f := func(after time.Duration, client string, want time.Duration) {
		t.Helper()
		now = now.Add(after)
		wait, ok := l.take(netip.MustParseAddr(client))
		if ok != (want == 0) || wait.Round(time.Millisecond) != want {
			t.Errorf("%s: %v, wait %v, want %v", client, ok, wait, want)
		}
	}
	f(0, "192.0.2.1", 0)
	f(0, "192.0.2.1", 0)
	f(0, "192.0.2.1", 30*time.Second)
	f(10*time.Second, "192.0.2.1", 20*time.Second) // a refusal costs nothing
	f(0, "::ffff:192.0.2.1", 20*time.Second)       // the same address
	f(0, "192.0.2.2", 0)
	f(20*time.Second, "192.0.2.1", 0)
	f(0, "192.0.2.1", 30*time.Second)
	f(time.Hour, "192.0.2.1", 0)
	f(0, "192.0.2.1", 0)
	f(0, "192.0.2.1", 30*time.Second)
	f(-time.Hour, "192.0.2.1", 30*time.Second) // the clock was set back

	f(0, "2001:db8::1", 0)
	f(0, "2001:db8::2", 0)
	f(0, "2001:db8:0:0:ffff::3", 30*time.Second) // one network, perhaps one machine
	f(0, "2001:db8:0:1::1", 0)
}

func TestNoLimit(t *testing.T) {
	l := newLimiter(0)
	for range 1000 {
		if _, ok := l.take(netip.MustParseAddr("192.0.2.1")); !ok {
			t.Fatal("refused")
		}
	}
	if len(l.clients) > 0 {
		t.Error("clients are counted for nothing")
	}
}

func TestLimiterIsBounded(t *testing.T) {
	now := noon
	l := newLimiter(1)
	l.now = func() time.Time { return now }
	client := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("10.1.%d.%d", i/256, i%256)) }
	for i := range maxClients {
		l.take(client(i))
	}
	if _, ok := l.take(client(maxClients)); !ok {
		t.Error("the first one beyond was refused")
	}
	if _, ok := l.take(client(maxClients + 1)); ok {
		t.Error("those beyond do not share one allowance")
	}
	if n := len(l.clients); n != maxClients+1 {
		t.Errorf("%d clients are remembered", n)
	}
	now = now.Add(time.Minute)
	if _, ok := l.take(client(maxClients + 1)); !ok || len(l.clients) != 1 {
		t.Errorf("%v, %d clients are remembered that nobody misses", ok, len(l.clients)-1)
	}
}
