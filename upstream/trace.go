package upstream

import (
	"slices"
	"sync"

	"farmproxy/tap"
)

const (
	// tapped is how many messages of a link are kept for an operator: those of a
	// handshake and the last shares; 10 kB. Links of one miner each have none: there may
	// be thousands, and the miner can be looked at itself.
	tapped = 32

	// maxEnded is how many links that have ended are kept to be looked at: why a pool
	// lets nobody in is in the last lines of attempts.
	maxEnded = 8
)

// Tapped is a link that can be looked at.
type Tapped struct {
	Pool   string // its name
	Lane   int    // -1: a probe
	Secret string // must not be shown: the password
	*tap.Tap
}

// taps are the links that can be looked at: those that there are, and the last that were.
type taps struct {
	mu    sync.Mutex
	live  []*Tapped
	ended []*Tapped
}

// open adds a link.
func (t *taps) open(pool *Pool, lane *Lane) *Tapped {
	if lane != nil && lane.single() {
		return nil
	}
	x := &Tapped{Pool: pool.Name, Lane: -1, Secret: pool.Password, Tap: tap.New(tapped)}
	if lane != nil {
		x.Lane = lane.number
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = append(t.live, x)
	return x
}

// close notes that a link has ended.
func (t *taps) close(x *Tapped) {
	if x == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = slices.DeleteFunc(t.live, func(y *Tapped) bool { return x == y })
	if t.ended = append(t.ended, x); len(t.ended) > maxEnded {
		t.ended = slices.Delete(t.ended, 0, 1)
	}
}

// Taps returns the links to a pool, those first that have ended. Any goroutine.
func (d *Directory) Taps(pool string) (list []*Tapped) {
	d.taps.mu.Lock()
	defer d.taps.mu.Unlock()
	for _, x := range slices.Concat(d.taps.ended, d.taps.live) {
		if x.Pool == pool {
			list = append(list, x)
		}
	}
	return list
}

// tap returns what keeps the link's messages; nil: nothing does.
func (k *link) tap() *tap.Tap {
	if k.tapped == nil {
		return nil
	}
	return k.tapped.Tap
}
