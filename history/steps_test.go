package history

import (
	"fmt"
	"testing"
	"time"
)

// Several series are read at once, wherever they are in the file; unknown ones have nothing.
func TestStepsOfSeveral(t *testing.T) {
	s := open(t, file(t))
	var did []Entry
	name := func(i int) string { return fmt.Sprint("rig", i) }
	for i := range 3 * blockSize {
		did = append(did, Entry{Key{Worker, name(i)}, Sample{Work: float64(i), Accepted: 1, Up: 300, Seconds: 300}})
	}
	minute(t, s, noon, did...)
	names := []string{name(5), "nobody", name(blockSize + 5), name(3*blockSize - 1)}
	got, exact, err := s.StepsOf(t.Context(), Worker, names, noon, noon.Add(time.Hour), time.Hour)
	if err != nil || exact != time.Hour {
		t.Fatal(exact, err)
	}
	for i, want := range []string{"[5]", "[]", "[69]", "[191]"} {
		work := []float64{}
		for _, p := range got[names[i]] {
			work = append(work, p.Work)
		}
		if fmt.Sprint(work) != want {
			t.Errorf("%s: %v, want %s", names[i], work, want)
		}
	}
}
