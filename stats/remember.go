package stats

import "time"

// Remembered is a worker that is known from before this process.
type Remembered struct {
	Name       string
	Account    string
	Pool       string
	Algorithm  string
	Address    string // "ip:port"; "" unknown
	Agent      string
	Difficulty float64
	LastSeen   time.Time // by the wall clock; zero: never
	Expected   bool      // it is listed: without a miner, it is never forgotten
}

// Why a worker without a miner stays in the registry.
const (
	ordinary   uint8 = iota // as long as what it did is worth remembering
	remembered              // it has worked, before this process: it is no stray
	expected                // until Forget
)

// Remember lists workers that are not there, so that they are known to be missing. Of one
// that is there only Expected counts. It stops at the bound on names.
func (b *Book) Remember(list []Remembered) {
	now := b.now()
	for i := range list {
		m := &list[i]
		if m.Name == Other || len(m.Name) > maxName {
			continue
		}
		w, known := b.workers.find(m.Name)
		if !known {
			if w = b.workers.create(m.Name, now); w == b.workers.other {
				return
			}
		}
		mining := b.ledger.get(miningKey{byAccount: m.Account, byPool: m.Pool, byAlgorithm: m.Algorithm}, now)
		w.mu.Lock()
		if m.Expected {
			w.keep = expected
		} else {
			w.keep = max(w.keep, remembered)
		}
		if !known {
			w.mining, w.address, w.agent = mining, makeAddr(m.Address), makeAgent(m.Agent)
			w.difficulty = difficulty(m.Difficulty)
			w.seen = stampBefore(now, m.LastSeen)
			w.regroup(true)
		}
		w.mu.Unlock()
	}
}

// longAgo is the stamp of an expected worker that was never here: 0 is that of a name
// that nobody uses.
const longAgo stamp = 1

// stampBefore returns the stamp of a wall time before now. One in the future is the
// clock's fault.
func stampBefore(now, then time.Time) stamp {
	if then.IsZero() {
		return longAgo
	}
	return stampOf(now.Add(-max(0, now.Round(0).Sub(then.Round(0)))))
}

// Forget removes workers without a miner, and reports how many there were. What they did
// stays counted with their pool and account.
func (b *Book) Forget(names []string) (removed int) { return b.workers.remove(names) }

// SetForget sets for how long a worker without a miner is remembered.
func (b *Book) SetForget(after time.Duration) { b.workers.forget.Store(int64(after)) }

// Forgets returns for how long a worker without a miner is remembered.
func (b *Book) Forgets() time.Duration { return time.Duration(b.workers.forget.Load()) }

// EachWorker calls f for each worker, in order of arrival; what f gets is valid until it
// returns. It takes a few milliseconds for 10,000.
func (b *Book) EachWorker(f func(*WorkerInfo)) {
	now := b.now()
	b.workers.sweep(now)
	var info WorkerInfo // one for all: with 10,000 of them an open page would have farmproxy collect garbage
	for _, w := range b.workers.all() {
		info = w.info(now)
		f(&info)
	}
}

// find returns the worker of a name.
func (r *registry) find(name string) (w *Worker, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	w, ok = r.byName[name]
	return w, ok
}

// remove drops workers without a miner.
func (r *registry) remove(names []string) (removed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		w := r.byName[name]
		if w == nil {
			continue
		}
		w.mu.Lock()
		here := w.miners > 0
		w.mu.Unlock()
		if !here {
			w.dropped = true
			r.idle.ledger.lately.forget(w)
			delete(r.byName, name)
			removed++
		}
	}
	if removed > 0 {
		r.relist()
	}
	return removed
}
