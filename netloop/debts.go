package netloop

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxDebts bounds the miners in bad standing that are remembered, at 48 bytes
	// each, and the addresses that they came from.
	maxDebts = 4096

	// leastDebt is the least debt that is remembered when a miner leaves: an honest
	// one has less.
	leastDebt = 8

	// debtTime is how long a debt is held against a miner that comes back.
	debtTime = 10 * time.Minute

	// debtTurn is the least time between the first shares of two miners with the same
	// address, name and debt; maxDebtWait is the longest that one of them waits.
	debtTurn    = 250 * time.Millisecond
	maxDebtWait = time.Minute

	// badAddress is how many departures in bad standing make an address's newcomers
	// suspicious, whatever their names; suspicion is the debt that they start with.
	// None of them is refused for it, since a whole farm may be behind one address.
	badAddress = 8
	suspicion  = 16
)

// debts remembers miners that left while the pool refused their shares: one that comes
// back, with another prefix, starts with the debt that it left with. All loops share
// it; it is consulted at logins, never for a share.
type debts struct {
	seed [16]byte // keeps anybody who knows the code from finding names with the same key; set once

	mu    sync.Mutex
	by    map[uint64]debt
	queue []debtEnd // in the order of expiry; a debt that was extended is in it again, later
}

type debt struct {
	of   uint8         // a miner's debt; for an address, how many left it in bad standing
	next time.Duration // when the next may send its first share
	end  time.Duration
}

type debtEnd struct {
	key uint64
	end time.Duration
}

// keys returns the keys under which a miner is remembered: its address with its name,
// and its address alone.
func (d *debts) keys(host netip.Addr, login string) (own, from uint64) {
	host = network(host)
	var space [256]byte
	b := host.As16() // zeros if there is none
	text := append(append(space[:0], d.seed[:]...), b[:]...)
	return debtKey(append(text, login...)), debtKey(text)
}

func debtKey(text []byte) uint64 {
	sum := sha256.Sum256(text)
	return binary.LittleEndian.Uint64(sum[:])
}

// network returns what counts as one address: whoever has one of IPv6 has its /64.
func network(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// leave remembers the debt of a departing miner.
func (d *debts) leave(host netip.Addr, login string, amount uint8, now time.Duration) {
	if amount < leastDebt {
		return
	}
	own, from := d.keys(host, login)
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.queue) > 0 && d.queue[0].end <= now {
		d.dropOldest()
	}
	x := d.by[own]
	if x.of < amount {
		x.of = amount
	}
	d.put(own, x, now)
	y := d.by[from]
	y.of = min(y.of+1, badAddress)
	d.put(from, y, now)
}

// put keeps a debt for another debtTime. The caller holds the lock.
func (d *debts) put(key uint64, x debt, now time.Duration) {
	for len(d.queue) >= 2*maxDebts {
		d.dropOldest()
	}
	if d.by == nil {
		d.by = make(map[uint64]debt)
	}
	x.end = now + debtTime
	d.by[key] = x
	d.queue = append(d.queue, debtEnd{key, x.end})
}

// dropOldest makes room. The caller holds the lock.
func (d *debts) dropOldest() {
	oldest := d.queue[0]
	d.queue = d.queue[1:]
	if x, ok := d.by[oldest.key]; ok && x.end == oldest.end {
		delete(d.by, oldest.key)
	}
}

// arrive returns the debt of an arriving miner, and when its first share may be sent.
func (d *debts) arrive(host netip.Addr, login string, now time.Duration) (amount uint8, next time.Duration) {
	own, from := d.keys(host, login)
	d.mu.Lock()
	defer d.mu.Unlock()
	if x, ok := d.by[own]; ok && x.end > now {
		next = min(max(x.next, now), now+maxDebtWait)
		x.next = next + debtTurn
		d.by[own] = x
		return x.of, next
	}
	if x := d.by[from]; x.of >= badAddress && x.end > now {
		return suspicion, now
	}
	return 0, now
}

// owes makes a newly authorized miner start with the debt that it left behind.
func (l *loop) owes(p *peer) {
	if debt, next := l.server.debts.arrive(p.remote.Addr(), p.login, l.env.Now); debt > 0 {
		p.session.Inherit(debt, next)
	}
}

// doubtful returns how many of the waiting shares were not checked here.
func (p *peer) doubtful(waiting uint16) int {
	if p.feed == nil || p.feed.Job() == nil || p.feed.Job().Algorithm.Hash != nil {
		return 0
	}
	return int(waiting)
}

// debtsImage is all debts, in the order in which they expire.
type debtsImage struct {
	Seed  []byte      `json:"seed"`
	Debts []debtImage `json:"debts"`
}

type debtImage struct {
	Key    uint64 `json:"key"`
	Of     uint8  `json:"of"`
	NextMS int64  `json:"next_ms"` // until then no share may be sent
	LeftMS int64  `json:"left_ms"` // until it expires
}

func (d *debts) image(now time.Duration) debtsImage {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := debtsImage{Seed: d.seed[:]}
	for _, e := range d.queue {
		if x, ok := d.by[e.key]; ok && x.end == e.end {
			i.Debts = append(i.Debts, debtImage{e.key, x.of, (x.next - now).Milliseconds(), (x.end - now).Milliseconds()})
		}
	}
	return i
}

// restore takes over all debts of an image; now is its moment.
func (d *debts) restore(data []byte, now time.Duration) error {
	var i debtsImage
	if err := json.Unmarshal(data, &i); err != nil {
		return fmt.Errorf("what the running farmproxy knows of miners in bad standing: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.seed[:], i.Seed)
	for _, x := range i.Debts[max(0, len(i.Debts)-2*maxDebts):] {
		end := now + time.Duration(x.LeftMS)*time.Millisecond
		if d.by == nil {
			d.by = make(map[uint64]debt)
		}
		d.by[x.Key] = debt{x.Of, now + time.Duration(x.NextMS)*time.Millisecond, end}
		d.queue = append(d.queue, debtEnd{x.Key, end})
	}
	return nil
}
