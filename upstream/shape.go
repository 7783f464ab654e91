package upstream

import "farmproxy/work"

const (
	// maskDefault is granted while no pool has said what it allows: the 16 bits
	// of BIP 320, which every pool that rolls at all lets roll.
	maskDefault = 0x1fffe000

	// sizeDefault stands for the extranonce2 size of a pool that has not been
	// seen yet: the smallest that serves 65,536 miners a link.
	sizeDefault = 4

	// sizeMin is the smallest extranonce2 size that can be shared out.
	sizeMin = 3
)

// Shape returns the sizes, in bytes, of a newcomer's extranonce1 (its prefix)
// and extranonce2: what the smallest pool leaves, of the fixed route and of all
// accounts. A pool that was never seen counts as one that gives 4; one that
// can't be shared not at all.
func (d *Directory) Shape() (prefix, extranonce2 int) {
	prefix, extranonce2, _ = work.PrefixFor(int(d.smallest.Load()))
	return prefix, extranonce2
}

// shape works out anew what Shape returns. urls are those of the accounts'
// pools, nil: as they were. The caller has mu, or is alone.
func (d *Directory) shape(urls []string) {
	if urls != nil || d.urls == nil {
		d.urls = urls
		if d.fixed != nil {
			for _, p := range d.fixed.pools {
				d.urls = append(d.urls, p.URL)
			}
		}
	}
	smallest := 0
	for _, url := range d.urls {
		size, _, known := d.state.get(url)
		if !known {
			size = sizeDefault
		}
		if size >= sizeMin && (smallest == 0 || size < smallest) {
			smallest = size
		}
	}
	if smallest == 0 {
		smallest = sizeDefault
	}
	d.smallest.Store(int64(smallest))
}

// learn keeps what a pool gave, and sees to it that there are lanes for miners
// that come from now on.
func (d *Directory) learn(p *pool, size int, mask uint32) {
	p.book.Extranonce2.Store(uint32(size))
	p.book.VersionMask.Store(mask)
	if !d.state.learn(p.URL, size, mask) {
		return
	}
	d.mu.Lock()
	d.shape(nil)
	d.mu.Unlock()
	d.openFirst()
}

// Mask returns the version bits to grant at mining.configure, before it is
// known who the miner is: those of the fixed route.
func (d *Directory) Mask() uint32 {
	if d.fixed == nil {
		return maskDefault
	}
	return d.fixed.mask()
}
