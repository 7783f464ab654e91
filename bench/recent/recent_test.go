package recent

import (
	"testing"
)

func TestBooksForgetTheOldest(t *testing.T) {
	r := Map[int, int]{Limit: 10}
	for i := range 100 {
		r.Put(i, i)
		if _, ok := r.Get(max(0, i-9)); !ok {
			t.Fatalf("after %d: the last 10 are not all there", i)
		}
		if n := len(r.now) + len(r.old); n > 20 {
			t.Fatalf("after %d: %d are kept, want 20 at most", i, n)
		}
	}
	if _, ok := r.Get(50); ok {
		t.Error("50 is still there")
	}
}
