package upstream

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"farmproxy/work"
)

const (
	// maskDefault is granted while no pool has said what it allows: the 16 bits of BIP
	// 320, which every pool with version rolling allows.
	maskDefault = 0x1fffe000

	// sizeDefault stands for the extranonce2 size of a pool not seen yet: the smallest
	// that serves 65,536 miners per link.
	sizeDefault = 4

	// MinShared is the smallest extranonce2 size, in bytes, that can be divided among
	// miners.
	MinShared = 3

	// agentSize is the extranonce2 size of the agent protocol: a session id of 4 bytes,
	// and 4 for the miner.
	agentSize = 8
)

// Shape returns the sizes, in bytes, of a newcomer's extranonce1 (its prefix) and
// extranonce2: what the smallest pool of the table leaves. A pool never seen counts as
// giving 4; one that can't be shared is ignored.
func (d *Directory) Shape() (prefix, extranonce2 int) {
	prefix, extranonce2, _ = work.PrefixFor(int(d.smallest.Load()))
	return prefix, extranonce2
}

// ShapeBehind is Shape for another farmproxy, which divides its extranonce2 again: it
// gets a shorter prefix if that leaves enough room.
func (d *Directory) ShapeBehind() (prefix, extranonce2 int) {
	prefix, extranonce2 = d.Shape()
	if l, ok := work.NewLayout(int(d.smallest.Load()), 1); ok && extranonce2 < MinShared && l.Room >= MinShared {
		return l.Prefix, l.Room
	}
	return prefix, extranonce2
}

// shape recomputes the result of Shape. urls are those of the table's pools; nil:
// unchanged. The caller has mu, or is alone.
func (d *Directory) shape(urls []string) {
	if urls != nil {
		d.urls = urls
	}
	smallest := 0
	for _, url := range d.urls {
		size, _, known := d.state.get(url)
		if !known && strings.HasPrefix(url, AgentScheme) {
			size = agentSize
		} else if !known {
			size = sizeDefault
		}
		if size >= MinShared && (smallest == 0 || size < smallest) {
			smallest = size
		}
	}
	if smallest == 0 {
		smallest = sizeDefault
	}
	d.smallest.Store(int64(smallest))
}

// fewerPause is the minimum time between two warnings that a pool gives fewer version
// bits: one that alternates must not fill the log.
const fewerPause = time.Minute

// learn stores what a pool gave, and makes sure that there are lanes for future miners.
// The mask counts only if the pool has said it.
func (d *Directory) learn(p *pool, size int, mask uint32, said bool) {
	p.book.Extranonce2.Store(uint32(size))
	if said {
		p.book.VersionMask.Store(mask)
	}
	before, changed := d.state.learn(p.URL, size, mask, said)
	if !changed {
		return
	}
	if said && bits.OnesCount32(mask) < bits.OnesCount32(before) {
		p.book.VersionBitsReduced.Add(1)
		if now := time.Now(); p.fewerBits(now) {
			d.log.Warn("the pool grants fewer version bits than before: miners can roll less, and miners that rely on those bits lose shares",
				"pool", p.Name, "mask", fmt.Sprintf("%08x", mask), "before", fmt.Sprintf("%08x", before))
		}
	}
	d.mu.Lock()
	d.shape(nil)
	d.mu.Unlock()
	d.openFirst()
}

// Mask returns the version bits to grant at mining.configure, before the miner is
// known: those of the route for everyone at its listener whose login is not an account's,
// or of the most preferred known pool of the users' pools.
func (d *Directory) Mask(route string) uint32 {
	d.mu.RLock()
	others := d.everybodyElse(route)
	var r *Route
	if others != nil {
		r = d.routes[RouteID{Route: others.Route}]
	}
	d.mu.RUnlock()
	switch {
	case r != nil && r.Split():
		return r.commonMask()
	case r != nil:
		return r.list()[0].mask()
	case others != nil:
		for i := range others.Goals[0].Pools {
			if _, mask, known := d.state.get(others.Goals[0].Pools[i].URL); known {
				return mask
			}
		}
	}
	return maskDefault
}
