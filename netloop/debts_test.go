package netloop

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func at(ip string) netip.Addr { return netip.MustParseAddr(ip) }

func (d *debts) wantOwed(t *testing.T, ip, login string, now time.Duration, want uint8, wait time.Duration) {
	t.Helper()
	amount, next := d.arrive(at(ip), login, now)
	if amount != want || next != now+wait {
		t.Errorf("%s from %s at %v: a debt of %d and a wait of %v, want %d and %v", login, ip, now, amount, next-now, want, wait)
	}
}

func TestWhoComesBackHasItsDebt(t *testing.T) {
	var d debts
	d.wantOwed(t, "192.0.2.1", "farm.a", 0, 0, 0)
	d.leave(at("192.0.2.1"), "farm.a", leastDebt-1, time.Second)
	d.wantOwed(t, "192.0.2.1", "farm.a", 2*time.Second, 0, 0)
	d.leave(at("192.0.2.1"), "farm.a", 20, time.Minute)
	d.leave(at("192.0.2.1"), "farm.a", 10, time.Minute) // another with that name
	now := 2 * time.Minute
	d.wantOwed(t, "192.0.2.1", "farm.a", now, 20, 0)
	d.wantOwed(t, "192.0.2.1", "farm.b", now, 0, 0)
	d.wantOwed(t, "192.0.2.2", "farm.a", now, 0, 0)
	d.leave(at("2001:db8::1"), "farm.a", 20, time.Minute)
	d.wantOwed(t, "2001:db8::2", "farm.a", now, 20, 0)
	d.wantOwed(t, "2001:db8:0:1::2", "farm.a", now, 0, 0)

	// Many that connect at once send their first shares one after the other.
	d.wantOwed(t, "192.0.2.1", "farm.a", now, 20, debtTurn)
	d.wantOwed(t, "192.0.2.1", "farm.a", now, 20, 2*debtTurn)
	for range 2 * maxDebtWait / debtTurn {
		d.arrive(at("192.0.2.1"), "farm.a", now)
	}
	d.wantOwed(t, "192.0.2.1", "farm.a", now, 20, maxDebtWait)
	d.wantOwed(t, "192.0.2.1", "farm.a", time.Minute+debtTime, 0, 0)
}

// Somebody who invents names is recognised by the address.
func TestNamesThatAreInvented(t *testing.T) {
	var d debts
	for i := range badAddress {
		d.wantOwed(t, "192.0.2.1", fmt.Sprint("farm.", i), 0, 0, 0)
		d.leave(at("192.0.2.1"), fmt.Sprint("farm.", i), 32, 0)
	}
	d.wantOwed(t, "192.0.2.1", "farm.another", 0, suspicion, 0)
	d.wantOwed(t, "192.0.2.1", "farm.3", 0, 32, 0)
	d.wantOwed(t, "192.0.2.2", "farm.another", 0, 0, 0)
	d.wantOwed(t, "192.0.2.1", "farm.another", debtTime, 0, 0)
}

func TestDebtsAreBounded(t *testing.T) {
	var d debts
	for i := range 5 * maxDebts {
		d.leave(at(fmt.Sprintf("10.%d.%d.1", i>>8, i&0xff)), "farm.a", 32, time.Duration(i))
		if len(d.by) > 2*maxDebts || len(d.queue) > 2*maxDebts {
			t.Fatalf("%d debts are kept, %d in the queue", len(d.by), len(d.queue))
		}
	}
	last := 5*maxDebts - 1
	d.wantOwed(t, fmt.Sprintf("10.%d.%d.1", last>>8, last&0xff), "farm.a", time.Second, 32, 0)
	d.leave(at("192.0.2.1"), "farm.b", 32, 2*debtTime)
	if len(d.by) != 2 || len(d.queue) != 2 {
		t.Errorf("%d debts are kept after all others have ended, %d in the queue", len(d.by), len(d.queue))
	}
}
