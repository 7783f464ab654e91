package guard

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// burst is how long an address may open connections as fast as it likes, measured in
	// what it may open in that time: a farm comes back at once after a power cut.
	burst = time.Minute

	// window is how long offences are counted together.
	window = time.Minute

	// protection is how long an address is not banned after one of its miners worked.
	protection = 24 * time.Hour

	// maxAddresses bounds the addresses that are watched, at 150 bytes each. Others are
	// welcome, unless they are banned.
	maxAddresses = 1 << 16

	// maxWorking bounds the addresses where miners have worked, at 30 bytes each: of
	// those beyond, none is protected.
	maxWorking = 1 << 17

	// sweepEvery is the least time between two looks for addresses to forget: with as
	// many as may be, one takes some milliseconds. leastSweep is how many must be there.
	sweepEvery = time.Second
	leastSweep = 1024

	// maxBans bounds the banned addresses. Beyond it, the ban that ends first gives way.
	maxBans = 4096
)

// Settings are the limits. Zero values mean none.
type Settings struct {
	Connections int            // of one address at a time
	PerSecond   int            // connections that one address may open, on average over a minute
	BanAfter    int            // offences within a minute that get an address banned
	BanTime     time.Duration  // how long a ban lasts
	Exempt      []netip.Prefix // never limited, never banned
}

// Verdict is the answer to a connection.
type Verdict uint8

const (
	Welcome Verdict = iota
	Banned
	TooMany // connections of its address
	TooFast // its address opens connections too fast
)

// Guard watches addresses. All its methods take an address of IPv6 as its /64.
type Guard struct {
	mu       sync.Mutex
	settings Settings
	seen     map[netip.Addr]*address
	working  map[uint64]working
	bans     map[netip.Addr]*Ban

	sweepAt int           // how many addresses make it look for those that need no watch any more
	swept   time.Duration // when it last did
}

// address is what is known of one.
type address struct {
	open     int           // its connections, where they are limited
	left     float64       // connections that it may open at once
	at       time.Duration // when it had that many
	since    time.Duration // when the window began
	came     int           // connections in it
	offences int           // in it
}

// working says when an address had a miner that works.
type working struct {
	now  int32 // such miners that are connected
	last int32 // seconds: when the last one left
}

// Ban is an address that may not connect.
type Ban struct {
	Address  netip.Addr
	Reason   string // of the last offence
	Offences int
	Since    time.Duration
	Until    time.Duration
}

// New returns a guard without limits.
func New() *Guard {
	return &Guard{
		seen:    make(map[netip.Addr]*address),
		working: make(map[uint64]working),
		bans:    make(map[netip.Addr]*Ban),
		sweepAt: leastSweep,
		swept:   -sweepEvery,
	}
}

// Configure sets the limits. Bans stay until they end, except of what is now exempt.
func (g *Guard) Configure(s Settings) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settings = s
	for a := range g.bans {
		if g.exempt(a) {
			delete(g.bans, a)
		}
	}
}

// Network returns what counts as one address: whoever has one of IPv6 has its /64.
func Network(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// Come judges a new connection. counted says that Left must be told of it.
func (g *Guard) Come(from netip.Addr, now time.Duration) (v Verdict, counted bool) {
	from = Network(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	if b := g.bans[from]; b != nil {
		if b.Until > now {
			return Banned, false
		}
		delete(g.bans, from)
	}
	s := &g.settings
	if s.Connections == 0 && s.PerSecond == 0 && s.BanAfter == 0 || g.exempt(from) {
		return Welcome, false
	}
	a := g.find(from, now)
	if a == nil {
		return Welcome, false
	}
	a.came++
	if s.Connections > 0 && a.open >= s.Connections {
		return TooMany, false
	}
	if s.PerSecond > 0 {
		if a.refill(s.PerSecond, now); a.left < 1 {
			return TooFast, false
		}
		a.left--
	}
	if s.Connections > 0 {
		a.open++
		return Welcome, true
	}
	return Welcome, false
}

// Left records the end of a connection that was counted.
func (g *Guard) Left(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a := g.seen[Network(from)]; a != nil && a.open > 0 {
		a.open--
	}
}

// Offend records that a connection was closed for something that only floods do. It
// returns true if its address is banned for it.
func (g *Guard) Offend(from netip.Addr, reason string, now time.Duration) (banned bool) {
	from = Network(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &g.settings
	if s.BanAfter == 0 || s.BanTime == 0 || g.bans[from] != nil || g.exempt(from) {
		return false
	}
	a := g.find(from, now)
	if a == nil {
		return false
	}
	a.offences++
	if a.offences < s.BanAfter || 2*a.offences < a.came || g.protected(from, now) {
		return false
	}
	g.ban(&Ban{Address: from, Reason: reason, Offences: a.offences, Since: now, Until: now + s.BanTime})
	return true
}

// ban adds a ban. The caller holds the lock.
func (g *Guard) ban(b *Ban) {
	if len(g.bans) >= maxBans {
		var first *Ban
		for _, other := range g.bans {
			if first == nil || other.Until < first.Until {
				first = other
			}
		}
		delete(g.bans, first.Address)
	}
	g.bans[b.Address] = b
}

// Works records that a miner has had its first share accepted, and Rests that such a miner
// has left.
func (g *Guard) Works(from netip.Addr, now time.Duration) {
	key := keyOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	w, known := g.working[key]
	if !known && len(g.working)%leastSweep == leastSweep-1 {
		for key, w := range g.working {
			if !w.protects(now) {
				delete(g.working, key)
			}
		}
	}
	if !known && len(g.working) >= maxWorking {
		return
	}
	w.now++
	g.working[key] = w
}

// Rests is the opposite of Works.
func (g *Guard) Rests(from netip.Addr, now time.Duration) {
	key := keyOf(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	if w, known := g.working[key]; known {
		w.now, w.last = max(0, w.now-1), int32(now/time.Second)
		g.working[key] = w
	}
}

// protected reports whether an address has miners that work, or had them a day ago. The
// caller holds the lock.
func (g *Guard) protected(from netip.Addr, now time.Duration) bool {
	w, known := g.working[keyOf(from)]
	return known && w.protects(now)
}

func (w working) protects(now time.Duration) bool {
	return w.now > 0 || now-time.Duration(w.last)*time.Second < protection
}

// Bans returns the bans that have not ended, the one that ends first at the beginning.
func (g *Guard) Bans(now time.Duration) (list []Ban) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.bans {
		if b.Until > now {
			list = append(list, *b)
		}
	}
	slices.SortFunc(list, func(a, b Ban) int {
		if a.Until != b.Until {
			return int(a.Until - b.Until)
		}
		return a.Address.Compare(b.Address)
	})
	return list
}

// Lift ends the ban of an address; false if there is none.
func (g *Guard) Lift(a netip.Addr, now time.Duration) bool {
	a = Network(a)
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.bans[a]
	delete(g.bans, a)
	if seen := g.seen[a]; seen != nil {
		seen.offences = 0
	}
	return b != nil && b.Until > now
}

// find returns what is known of an address; nil if too many are watched. The caller holds
// the lock.
func (g *Guard) find(from netip.Addr, now time.Duration) *address {
	a := g.seen[from]
	if a == nil {
		if len(g.seen) >= g.sweepAt && now-g.swept >= sweepEvery {
			g.sweep(now)
		}
		if len(g.seen) >= maxAddresses {
			return nil
		}
		a = &address{left: g.most(), at: now, since: now}
		g.seen[from] = a
	}
	if now-a.since >= window {
		a.since, a.came, a.offences = now, 0, 0
	}
	return a
}

// sweep forgets what needs no watch any more. The caller holds the lock.
func (g *Guard) sweep(now time.Duration) {
	for from, a := range g.seen {
		if a.refill(g.settings.PerSecond, now); a.open == 0 && now-a.since >= window && a.left >= g.most() {
			delete(g.seen, from)
		}
	}
	g.sweepAt = min(max(leastSweep, 2*len(g.seen)), maxAddresses) // it costs little for each that came since
	g.swept = now
}

// most is how many connections an address may open at once.
func (g *Guard) most() float64 { return float64(g.settings.PerSecond) * burst.Seconds() }

func (a *address) refill(perSecond int, now time.Duration) {
	most := float64(perSecond) * burst.Seconds()
	a.left = min(most, a.left+(now-a.at).Seconds()*float64(perSecond))
	a.at = now
}

func (g *Guard) exempt(a netip.Addr) bool {
	return slices.ContainsFunc(g.settings.Exempt, func(p netip.Prefix) bool { return p.Contains(a) })
}

// seed keeps anybody who knows the code from finding addresses with the same key.
var seed = maphash.MakeSeed()

func keyOf(a netip.Addr) uint64 {
	b := Network(a).As16()
	return maphash.Bytes(seed, b[:])
}
