package dial

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// forgetFailed is how long an address that failed is tried after all others: by
	// then it may have recovered.
	forgetFailed = 10 * time.Minute

	// maxHosts bounds the names with an entry; beyond it, everything is forgotten and
	// learned again. There are fewer pools and proxies than that.
	maxHosts = 4096

	// maxPerFamily bounds how much of an answer is looked at: a DNS answer has room for
	// thousands of addresses.
	maxPerFamily = 64
)

// addresses remembers, for the names of pools and proxies, which address works and
// which fail. Any goroutine may use it.
type addresses struct {
	mu    sync.Mutex
	hosts map[string]*known
}

// known is the entry of one name.
type known struct {
	worked netip.Addr // the last one that was worth a connection and has not failed since
	failed map[netip.Addr]time.Time
}

// of returns the entry of a name. The caller holds mu.
func (a *addresses) of(host string) *known {
	k := a.hosts[host]
	if k == nil {
		if a.hosts == nil || len(a.hosts) >= maxHosts {
			a.hosts = make(map[string]*known)
		}
		k = &known{failed: make(map[netip.Addr]time.Time)}
		a.hosts[host] = k
	}
	return k
}

// works records that an address was worth a connection.
func (a *addresses) works(host string, addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.of(host)
	k.worked = addr
	delete(k.failed, addr)
}

// failed records that an address took no connection, or one that was worth nothing.
func (a *addresses) failed(host string, addr netip.Addr, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.of(host)
	if k.worked == addr {
		k.worked = netip.Addr{}
	}
	for other, at := range k.failed {
		if now.Sub(at) >= forgetFailed || len(k.failed) >= 2*maxPerFamily {
			delete(k.failed, other)
		}
	}
	k.failed[addr] = now
}

// rate records whether a connection to an address was worth having.
func (a *addresses) rate(host string, addr netip.Addr, worked bool) {
	if worked {
		a.works(host, addr)
	} else {
		a.failed(host, addr, time.Now())
	}
}

// order returns a name's addresses in the order to try them: the one that worked, then
// both families alternating, IPv6 first, and last those that have failed, the earliest
// failure first.
func (a *addresses) order(host string, six, four []netip.Addr, now time.Time) []netip.Addr {
	six, four = six[:min(len(six), maxPerFamily)], four[:min(len(four), maxPerFamily)]
	list := make([]netip.Addr, 0, len(six)+len(four))
	for i := range max(len(six), len(four)) {
		if i < len(six) {
			list = append(list, six[i])
		}
		if i < len(four) {
			list = append(list, four[i].Unmap())
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.hosts[host]
	if k == nil {
		return list
	}
	rank := func(x netip.Addr) time.Duration {
		at, has := k.failed[x]
		switch {
		case x == k.worked:
			return -1
		case !has || now.Sub(at) >= forgetFailed:
			return 0
		}
		return forgetFailed - now.Sub(at) // more for those that failed later
	}
	slices.SortStableFunc(list, func(x, y netip.Addr) int { return cmp.Compare(rank(x), rank(y)) })
	return list
}
