package stand

import (
	"testing"
	"time"
)

func TestProcessFigures(t *testing.T) {
	cpu, err := parseCPU("17 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0")
	if err != nil || cpu != 3*time.Second {
		t.Errorf("processor time %v, %v; want 3s", cpu, err)
	}
	for field, want := range map[string]int64{"VmRSS": 2 << 20, "RssAnon": 1 << 20} {
		got, err := parseMemory("Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t    2048 kB\nRssAnon:\t    1024 kB\nThreads:\t1\n", field)
		if err != nil || got != want {
			t.Errorf("%s %d, %v; want %d", field, got, err, want)
		}
	}
	if _, err := parseCPU("17 (x) S"); err == nil {
		t.Error("a short stat was taken")
	}
	if _, err := parseMemory("Name:\tx\n", "VmRSS"); err == nil {
		t.Error("a status without VmRSS was taken")
	}
}
