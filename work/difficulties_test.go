package work

import "testing"

func TestDifficulties(t *testing.T) {
	var none *Difficulties
	a := none.With(13, []uint16{0x1122, 0x3344})
	b := a.With(0, []uint16{0x1122}).With(200, []uint16{0xffff})
	c := b.Without([]uint16{0x3344, 0x5555})

	f := func(d *Difficulties, prefix uint16, want float64) {
		t.Helper()
		if got, ok := d.Of(prefix); got != want || ok != (want != 0) {
			t.Errorf("Of(%#04x) = %v, %v, want %v", prefix, got, ok, want)
		}
	}
	f(none, 0, 0)
	f(a, 0x1122, 8192)
	f(a, 0x3344, 8192)
	f(a, 0x1123, 0)
	f(b, 0x1122, 1)
	f(b, 0x3344, 8192)
	f(b, 0xffff, 1<<63) // more than any pool uses
	f(c, 0x3344, 0)
	f(c, 0x1122, 1)
	f(a, 0x1122, 8192) // a job's difficulties do not change

	for _, d := range []*Difficulties{none, a, b, c} {
		again := DifficultiesOf(d.Pages())
		for _, prefix := range []uint16{0, 0x1122, 0x3344, 0x5555, 0xffff} {
			want, _ := d.Of(prefix)
			f(again, prefix, want)
		}
		if (again == nil) != (d == nil) {
			t.Errorf("%v became %v", d, again)
		}
	}
	f(DifficultiesOf(map[uint8][]byte{0: {255}}), 0, 1<<63) // not by a farmproxy

	job := Job{Difficulty: 16, Own: a}
	if got := job.DifficultyFor(0x1122); got != 8192 {
		t.Errorf("its own: %v", got)
	}
	if got := job.DifficultyFor(0x1123); got != 16 {
		t.Errorf("the link's: %v", got)
	}
}
