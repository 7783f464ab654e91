package stats

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Other is the name of the worker that stands for all names for which the registry
	// has no room.
	Other = "(other)"

	// defaultMaxWorkers bounds the memory that made-up names can take to 30 MB. It
	// exceeds the 65,536 miners of one group of prefixes.
	defaultMaxWorkers = 100_000

	// maxName is the longest name that gets its own books, in bytes: without it the
	// registry's bound would be worthless. The longest seen in the field is an address
	// of 62 characters and a worker name.
	maxName = 256

	// defaultForget is a day: a miner that is off overnight keeps its counters and
	// difficulty.
	defaultForget = 24 * time.Hour

	// A stray is a name, or an account, without a miner that never had a share
	// accepted: anybody who can connect can make up any number of them. It is dropped
	// when unseen for strayTime; or, when strays may be half of all names, as soon as
	// its miner can't be one that is just connecting: stamps are in seconds.
	strayTime = time.Minute
	strayMin  = 2 * time.Second

	// fewNames is the number of names up to which strays are not searched for.
	fewNames = 1024

	// sweepEvery keeps a full registry from being searched for each newcomer.
	sweepEvery = time.Minute
)

// registry finds workers by name. It holds a bounded number of them, each until it has
// not been seen for a while.
type registry struct {
	max    int
	forget atomic.Int64 // a time.Duration
	idle   *mining      // of a worker that has no mining yet
	other  *Worker

	mu     sync.RWMutex // a Worker's lock may be taken under it, never the other way round
	byName map[string]*Worker
	list   []*Worker // in order of arrival, so that series keep theirs
	swept  time.Time
	crowd  int // number of names at which strays are next looked for
}

func newRegistry(max int, forget time.Duration, idle *mining) *registry {
	r := &registry{
		max:    max,
		idle:   idle,
		other:  &Worker{name: Other, mining: idle},
		byName: make(map[string]*Worker),
		crowd:  fewNames,
	}
	r.forget.Store(int64(forget))
	return r
}

// get finds or creates the worker of that name. It can't be forgotten for at least
// strayMin: the caller must connect it before that, or its books are lost.
func (r *registry) get(name string, now time.Time) *Worker {
	if name == Other || len(name) > maxName {
		return r.other
	}
	r.mu.RLock()
	w := r.byName[name]
	if w != nil {
		w.touch(now) // under the lock: drop checks again before it drops
	}
	full, crowded := len(r.list) >= r.max, len(r.list) >= r.crowd
	r.mu.RUnlock()
	if w != nil {
		return w
	}
	if full {
		r.sweep(now)
	}
	if crowded {
		r.dropStrays(now)
	}
	return r.create(name, now)
}

// record reports whether the worker of that name is known and has had a share
// accepted, and how many miners are connected under it.
func (r *registry) record(name string) (earned bool, miners int) {
	r.mu.RLock()
	w := r.byName[name]
	r.mu.RUnlock()
	if w == nil {
		return false, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accepted > 0, int(w.miners)
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

// all returns the workers in order of arrival, and the one for all others if it was
// ever needed.
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

// sweep drops workers that have not been seen for long; at most once per sweepEvery.
func (r *registry) sweep(now time.Time) {
	r.mu.Lock()
	due := now.Sub(r.swept) >= sweepEvery
	if due {
		r.swept = now
	}
	list := r.list
	r.mu.Unlock()
	if due {
		r.drop(list, now, strayTime)
	}
}

// dropStrays drops all strays but the latest, and is due again when the number of
// names has doubled.
func (r *registry) dropStrays(now time.Time) {
	r.mu.Lock()
	list := r.list
	due := len(list) >= r.crowd
	r.crowd = 2 * len(list) // nobody else does it meanwhile
	r.mu.Unlock()
	if due {
		r.drop(list, now, strayMin)
		r.mu.Lock()
		r.crowd = max(fewNames, 2*len(r.list))
		r.mu.Unlock()
	}
}

// thin drops the strays left by a flood of names, before all are written.
func (r *registry) thin(now time.Time) {
	r.mu.RLock()
	list := r.list
	r.mu.RUnlock()
	if len(list) > fewNames {
		r.drop(list, now, strayMin)
	}
}

// drop drops the workers in list that nobody will miss; strays go after the given
// time. It searches without the registry's lock, and checks again before it drops.
func (r *registry) drop(list []*Worker, now time.Time, stray time.Duration) {
	var old []*Worker
	forget := time.Duration(r.forget.Load())
	for _, w := range list {
		if w.forgettable(now, forget, stray) {
			old = append(old, w)
		}
	}
	if len(old) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range old {
		if w.forgettable(now, forget, stray) {
			w.dropped = true
			delete(r.byName, w.name)
			r.idle.ledger.lately.forget(w)
		}
	}
	r.relist()
}

// relist takes the dropped workers off the list; the caller holds r.mu.
func (r *registry) relist() {
	kept := make([]*Worker, 0, len(r.byName)) // a new array: a reader may still hold the old one
	for _, w := range r.list {
		if !w.dropped {
			kept = append(kept, w)
		}
	}
	r.list = kept
}

// forgettable reports whether nobody will miss the worker: it has no miner and has not
// been seen for the given time, which is shorter for one without an accepted share.
func (w *Worker) forgettable(now time.Time, after, stray time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.keep == expected:
		return false
	case w.accepted == 0 && w.keep == ordinary:
		after = min(after, stray)
	}
	return w.miners == 0 && now.Sub(w.seen.time()) >= after
}
