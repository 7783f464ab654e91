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
	rss, err := parseRSS("Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t    2048 kB\nThreads:\t1\n")
	if err != nil || rss != 2<<20 {
		t.Errorf("memory %d, %v; want 2 MB", rss, err)
	}
	if _, err := parseCPU("17 (x) S"); err == nil {
		t.Error("a short stat was taken")
	}
	if _, err := parseRSS("Name:\tx\n"); err == nil {
		t.Error("a status without VmRSS was taken")
	}
}
