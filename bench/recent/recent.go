package recent

import (
	"iter"
)

// Map is a map that forgets: it holds at least the last limit keys, and at most twice
// as many.
type Map[K comparable, V any] struct {
	Limit    int
	now, old map[K]V
}

// Get returns the value of a key that is still remembered.
func (r *Map[K, V]) Get(k K) (V, bool) {
	if v, ok := r.now[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	return v, ok
}

// All yields everything it still holds, in no order.
func (r *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, some := range []map[K]V{r.old, r.now} {
			for k, v := range some {
				if !yield(k, v) {
					return
				}
			}
		}
	}
}

// Put remembers a key as the latest.
func (r *Map[K, V]) Put(k K, v V) {
	if r.now == nil || len(r.now) >= r.Limit {
		r.now, r.old = map[K]V{}, r.now
	}
	r.now[k] = v
}
