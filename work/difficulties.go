package work

import (
	"math"
	"slices"
)

// Difficulties are the difficulties of single miners of one link, if the pool sets
// them (the agent protocol): powers of two, by the miners' prefixes. They are
// immutable, so that a job can keep those in force for it; a change makes a new value,
// which shares the unchanged pages. nil has none.
type Difficulties struct {
	pages [256]*page
}

// page has the difficulties of 256 prefixes, as exponent + 1; 0: none of its own. A
// farm's prefixes are consecutive: 10,000 miners have 40 pages, 10 kB.
type page [256]uint8

// maxExponent bounds the difficulties: btcpool's are 64-bit integers.
const maxExponent = 63

// Of returns the difficulty of the miner with that prefix; ok is false if it has none
// of its own.
func (d *Difficulties) Of(prefix uint16) (difficulty float64, ok bool) {
	if d == nil {
		return 0, false
	}
	p := d.pages[prefix>>8]
	if p == nil || p[uint8(prefix)] == 0 {
		return 0, false
	}
	return math.Ldexp(1, int(p[uint8(prefix)])-1), true
}

// With returns d with 2^exponent for the given prefixes.
func (d *Difficulties) With(exponent uint8, prefixes []uint16) *Difficulties {
	return d.changed(min(exponent, maxExponent)+1, prefixes)
}

// Without returns d without those of the given prefixes.
func (d *Difficulties) Without(prefixes []uint16) *Difficulties { return d.changed(0, prefixes) }

func (d *Difficulties) changed(to uint8, prefixes []uint16) *Difficulties {
	next := new(Difficulties)
	if d != nil {
		*next = *d
	}
	var own [256]bool // pages that were copied
	for _, prefix := range prefixes {
		i := prefix >> 8
		if !own[i] {
			own[i] = true
			copied := new(page)
			if next.pages[i] != nil {
				*copied = *next.pages[i]
			}
			next.pages[i] = copied
		}
		next.pages[i][uint8(prefix)] = to
	}
	return next
}

// Pages returns d as plain data, for another process: pages of 256 prefixes, by the
// prefixes' high byte, each byte the exponent + 1.
func (d *Difficulties) Pages() map[uint8][]byte {
	if d == nil {
		return nil
	}
	pages := make(map[uint8][]byte)
	for i, p := range d.pages {
		if p != nil {
			pages[uint8(i)] = slices.Clone(p[:])
		}
	}
	return pages
}

// DifficultiesOf returns what had those Pages.
func DifficultiesOf(pages map[uint8][]byte) *Difficulties {
	if pages == nil {
		return nil
	}
	d := new(Difficulties)
	for i, exponents := range pages {
		p := new(page)
		for at := range min(len(exponents), len(p)) {
			p[at] = min(exponents[at], maxExponent+1)
		}
		d.pages[i] = p
	}
	return d
}
