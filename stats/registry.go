package stats

import (
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// Other is the name of the worker that counts for all names that no longer
	// found room in the registry.
	Other = "(other)"

	// defaultMaxWorkers bounds the memory that made-up names can take to 30 MB.
	// It is above the 65,536 miners of one group of prefixes.
	defaultMaxWorkers = 100_000

	// maxName is the longest name that gets books of its own, in bytes: the
	// registry's bound is worth nothing without it. The longest seen in the field
	// is an address of 62 characters and a worker name.
	maxName = 256

	// defaultForget is a day: a miner that is off for the night keeps its
	// counters and difficulty.
	defaultForget = 24 * time.Hour

	// forgetIdle is when a name goes that never had a share accepted, once the
	// registry is full: names that nobody mines under must not keep out others.
	forgetIdle = time.Minute

	// sweepEvery keeps a full registry from being searched for each newcomer.
	sweepEvery = time.Minute
)

// registry finds workers by name. It holds a bounded number of them, each
// until it was not seen for a while.
type registry struct {
	max    int
	forget time.Duration
	idle   *mining // of a worker that has not said what it mines
	other  *Worker

	mu     sync.RWMutex // a Worker's may be taken under it, never the other way round
	byName map[string]*Worker
	list   []*Worker // in the order they came, so that series keep theirs
	swept  time.Time
}

func newRegistry(max int, forget time.Duration, idle *mining) *registry {
	return &registry{
		max:    max,
		forget: forget,
		idle:   idle,
		other:  &Worker{name: Other, mining: idle},
		byName: make(map[string]*Worker),
	}
}

// get finds or creates the worker of that name. It is safe from being forgotten
// for forgetIdle at least: the caller connects it before, or loses its books.
func (r *registry) get(name string, now time.Time) *Worker {
	if name == Other || len(name) > maxName {
		return r.other
	}
	r.mu.RLock()
	w := r.byName[name]
	if w != nil {
		w.touch(now) // under the lock: drop looks again before it drops
	}
	full := len(r.list) >= r.max
	r.mu.RUnlock()
	if w != nil {
		return w
	}
	if full {
		r.sweep(now)
	}
	return r.create(name, now)
}

func (r *registry) create(name string, now time.Time) *Worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.byName[name]; w != nil {
		w.touch(now)
		return w
	}
	if len(r.list) >= r.max {
		return r.other
	}
	w := &Worker{name: strings.Clone(name), seen: stampOf(now), mining: r.idle}
	r.byName[w.name] = w
	r.list = append(r.list, w)
	return w
}

// all returns the workers in the order they came, and the one for all others if
// it was ever needed.
func (r *registry) all() []*Worker { return r.appendAll(nil) }

func (r *registry) appendAll(list []*Worker) []*Worker {
	r.mu.RLock()
	list = append(slices.Grow(list, len(r.list)+1), r.list...)
	r.mu.RUnlock()
	r.other.mu.Lock()
	used := r.other.seen != 0
	r.other.mu.Unlock()
	if used {
		list = append(list, r.other)
	}
	return list
}

// sweep drops workers that were not seen for long; at most every sweepEvery.
// It searches without the registry's lock.
func (r *registry) sweep(now time.Time) {
	r.mu.Lock()
	due := now.Sub(r.swept) >= sweepEvery
	if due {
		r.swept = now
	}
	full := len(r.list) >= r.max
	list := r.list
	r.mu.Unlock()
	if !due {
		return
	}
	var old []*Worker
	for _, w := range list {
		if w.forgettable(now, r.forget, full) {
			old = append(old, w)
		}
	}
	if len(old) > 0 {
		r.drop(old, now, full)
	}
}

// drop drops those of old that were not seen again meanwhile.
func (r *registry) drop(old []*Worker, now time.Time, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range old {
		if w.forgettable(now, r.forget, full) {
			w.dropped = true
			delete(r.byName, w.name)
		}
	}
	// A new array: a reader may still hold the old one.
	kept := make([]*Worker, 0, len(r.byName))
	for _, w := range r.list {
		if !w.dropped {
			kept = append(kept, w)
		}
	}
	r.list = kept
}

// forgettable reports whether nobody will miss the worker: it has no miner and
// was not seen for the time given, or never earned anything while the room is
// needed.
func (w *Worker) forgettable(now time.Time, after time.Duration, full bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if full && w.accepted == 0 {
		after = min(after, forgetIdle)
	}
	return w.miners == 0 && now.Sub(w.seen.time()) >= after
}
