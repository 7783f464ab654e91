package stats

import (
	"sync"
	"time"

	"farmproxy/work"
)

// The hash rates of pools add up to the farm's, which is the sum of its workers' rates. A
// worker's rate is its work of the last five minutes, divided by these, or by the worker's
// age if it is fresh: began less than five minutes ago. So a pool's rate is the sum, over
// workers, of what each has done for it, divided as that worker's is: a pool to which
// workers come from another has little of them at first, and the other loses as much.
//
// What workers that are not fresh have done is in the pool's window; what the fresh ones
// have done at each pool is counted here.

// fresh is what fresh workers have done, by pool.
type fresh map[*total]freshWork

type freshWork struct {
	work float64 // in shares of difficulty 1
	rate float64 // the same a second
}

func (f fresh) add(pool *total, work float64, age time.Duration) {
	if pool == nil || work == 0 {
		return
	}
	sum := f[pool]
	sum.work += work
	sum.rate += work / age.Seconds()
	f[pool] = sum
}

// hashRate returns H/s of a pool, from the work in its window.
func (f fresh) hashRate(pool *total, recent float64) float64 {
	of := f[pool]
	return (max(0, recent-of.work)/windowLength.Seconds() + of.rate) * work.HashesPerShare
}

// stint is what a fresh worker did at a pool before it went to another.
type stint struct {
	pool *total // nil: none
	work float64
}

// stints are those of a worker since its window began.
type stints struct {
	began stamp
	list  []stint
}

// elsewhere holds the stints of fresh workers, apart from them, since most never have any.
type elsewhere struct {
	mu sync.Mutex // may be taken under a worker's
	of map[*Worker]stints
}

// left notes that a worker goes to another pool, with what its window has.
func (l *elsewhere) left(w *Worker, pool *total, window float64, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.of) >= maxLately {
		l.sweep(now)
	}
	s := l.of[w]
	if s.began != w.began {
		s = stints{began: w.began}
	}
	for i := range s.list {
		window -= s.list[i].work
	}
	if window <= 0 || len(l.of) >= maxLately {
		return // without a note, the work counts at the pool where the worker is
	}
	for i := range s.list {
		if s.list[i].pool == pool {
			s.list[i].work += window
			return
		}
	}
	s.list = append(s.list, stint{pool, window})
	l.set(w, s)
}

// set replaces a worker's stints. The caller holds mu.
func (l *elsewhere) set(w *Worker, s stints) {
	if l.of == nil {
		l.of = make(map[*Worker]stints)
	}
	l.of[w] = s
}

// sweep forgets those of workers that are not fresh any more. The caller holds mu.
func (l *elsewhere) sweep(now time.Time) {
	for w, s := range l.of {
		if now.Sub(s.began.time()) >= windowLength {
			delete(l.of, w)
		}
	}
}

// stints returns those of a worker, the caller holds w.mu.
func (l *elsewhere) stints(w *Worker) []stint {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.of[w]; s.began == w.began {
		return s.list
	}
	return nil
}

// isFresh reports whether the worker's window is not full. The caller holds w.mu.
func (w *Worker) isFresh(now time.Time) bool { return now.Sub(w.began.time()) < windowLength }

// leaves notes what the worker has done at the pool that it leaves. The caller holds w.mu.
func (w *Worker) leaves(pool *total, now time.Time) {
	if w.isFresh(now) {
		w.mining.ledger.elsewhere.left(w, pool, w.window.sum(now), now)
	}
}

// fresh returns what the fresh ones of the workers have done, in a map that is reused.
func (b *Book) fresh(workers []*Worker, now time.Time, f fresh) fresh {
	if f == nil {
		f = make(fresh)
	}
	clear(f)
	l := &b.ledger.elsewhere
	l.mu.Lock()
	l.sweep(now)
	l.mu.Unlock()
	for _, w := range workers {
		w.mu.Lock()
		if w.mining != nil && w.isFresh(now) {
			age, rest := windowAge(now, w.began.time()), w.window.sum(now)
			for _, s := range l.stints(w) {
				part := min(s.work, rest) // what the window has of them by now
				rest -= part
				f.add(s.pool, part, age)
			}
			f.add(w.mining.totals[byPool], rest, age)
		}
		w.mu.Unlock()
	}
	return f
}

// PoolTotal is AccountTotal for a pool, by the name given to Worker.Mining. For several,
// PoolTotals is faster: each of them visits all workers.
func (b *Book) PoolTotal(name string) Total {
	if t, ok := b.PoolTotals()[name]; ok {
		return t
	}
	return Total{Name: name}
}

// PoolTotals returns those of all pools at which anybody has mined, also of pools that are
// not in use any more, by name. Their hash rates add up to that of Status.
func (b *Book) PoolTotals() map[string]Total {
	now := b.now()
	f := b.fresh(b.workers.all(), now, nil)
	list := b.ledger.list(nil, byPool)
	totals := make(map[string]Total, len(list))
	for _, t := range list {
		totals[t.name] = t.info(now, f)
	}
	return totals
}
