package upstream

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"farmproxy/dial"
)

// Other settings hold for lanes that run, from their next look on.
func TestSettingsHoldForLanesThatRun(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.o.Failover.ReturnAfter = time.Hour
		f.start()
		a := f.pools[0]
		a.do(func() { a.refuse = true })
		a.lane().Close()
		f.after(time.Second)
		f.wantOn("b")
		a.do(func() { a.refuse = false })
		f.after(2 * time.Minute)
		f.wantOn("b")

		s := f.o.Settings
		s.Failover.ReturnAfter = 10 * time.Second
		f.directory.Configure(s)
		f.after(time.Minute)
		f.wantOn("a")

		s.Failover.Silence = 30 * time.Second
		f.directory.Configure(s)
		f.after(40 * time.Second)
		f.wantOn("b")
	})
}

func TestLinksAreDialledAsSettingsSayNow(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		s := f.o.Settings
		s.Dial = func(context.Context, dial.Target) (net.Conn, error) { return nil, errors.New("no way") }
		f.directory.Configure(s)
		f.after(time.Minute)
		f.wantOn("a") // a link that is up stays
		dials := f.pools[0].dialled()
		f.pools[0].lane().Close()
		f.after(time.Second)
		f.wantOn("none")
		equal(t, "dials", f.pools[0].dialled(), dials)
		f.directory.Configure(f.o.Settings)
		f.after(f.directory.failover().BackoffMax)
		f.wantOn("a")
	})
}

// Lanes that have a place keep it when there are fewer; others wait.
func TestFewerPlacesForLanes(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		f.set("ann a anna", "bob a robert")
		ann := f.join("ann", 1)
		s := f.o.Settings
		s.OnDemand = 1
		f.directory.Configure(s)
		bob := f.login("bob").Join(Member{Prefix: Prefix{Value: 2, Len: 2}})
		f.after(10 * time.Second)
		wantLaneOn(t, ann, "a")
		wantLaneOn(t, bob, "none")
		f.directory.Configure(f.o.Settings)
		f.after(10 * time.Second)
		wantLaneOn(t, bob, "a")
	})
}

// A better pool is seen four times at least in the time that it must have been healthy
// for, from the moment on that this is so.
func TestHowOftenABetterPoolIsProbed(t *testing.T) {
	f := func(returnAfter, probeEvery, want time.Duration) {
		t.Helper()
		equal(t, returnAfter.String(), (&Failover{ReturnAfter: returnAfter, ProbeEvery: probeEvery}).often(), want)
	}
	f(2*time.Minute, 5*time.Minute, betterEvery)
	f(10*time.Second, 5*time.Minute, 2500*time.Millisecond)
	f(time.Nanosecond, 5*time.Minute, betterMin)
	f(time.Hour, time.Second, time.Second)

	inFarm(t, "a b", func(f *farm) {
		f.start()
		a := f.pools[0]
		a.do(func() { a.refuse = true })
		a.lane().Close()
		f.after(time.Minute)
		probes := func() int {
			before := a.dialled()
			f.after(time.Minute)
			return a.dialled() - before
		}
		if n := probes(); n > 6 {
			t.Errorf("%d probes in a minute", n)
		}
		s := f.o.Settings
		s.Failover.ReturnAfter = 4 * time.Second
		f.directory.Configure(s)
		probes()
		if n := probes(); n < 40 {
			t.Errorf("%d probes in a minute", n)
		}
	})
}
