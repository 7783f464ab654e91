package record

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/figure"
)

func TestBudgetsAreMetOrNot(t *testing.T) {
	most := func(v float64) *float64 { return &v }
	f := func(name string, m Measure, want bool) {
		t.Helper()
		if got := m.met(); got != want {
			t.Errorf("%s: met %v, want %v", name, got, want)
		}
	}
	f("below the multiple", Measure{Ratio: 1.25, Floor: []float64{4}, Proxy: []float64{5}}, true)
	f("above the multiple", Measure{Ratio: 1.25, Floor: []float64{4}, Proxy: []float64{5.1}}, false)
	f("medians count", Measure{Ratio: 1.25, Floor: []float64{4, 4, 1}, Proxy: []float64{5, 5, 99}}, true)
	f("a multiple without a floor", Measure{Ratio: 1.25, Proxy: []float64{5}}, false)
	f("at the most", Measure{Most: most(2), Proxy: []float64{2}}, true)
	f("above the most", Measure{Most: most(2), Proxy: []float64{2.1}}, false)
	f("no more than HAProxy", Measure{Passed: 1, HAProxy: []float64{5}, Proxy: []float64{5}}, true)
	f("more than HAProxy", Measure{Passed: 1, HAProxy: []float64{5}, Proxy: []float64{5.1}}, false)
	f("HAProxy was not there", Measure{Passed: 1, Proxy: []float64{5}}, false)
	f("not measured", Measure{Most: most(2)}, false)
	f("no allocations but the process's own", Measure{Most: most(0), Unit: inAllocations, Proxy: []float64{0.01}}, true)
	f("an allocation for each twentieth", Measure{Most: most(0), Unit: inAllocations, Proxy: []float64{0.05}}, false)
	f("more than the process allocates anyway", Measure{Most: most(0), Unit: inAllocations, Proxy: []float64{0.021}}, false)
}

func TestRecordsGetNamesOfTheirOwn(t *testing.T) {
	r := New(Budget, "v1", nil)
	r.Started = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	dir := filepath.Join(t.TempDir(), "results")
	for _, want := range []string{"2026-05-04-v1-budget.json", "2026-05-04-v1-budget-2.json"} {
		file, err := r.Record(dir)
		if err != nil || filepath.Base(file) != want {
			t.Errorf("recorded in %s, %v; want %s", file, err, want)
		}
	}
}

func TestPanelsTakeWhatIsComparable(t *testing.T) {
	r := &Result{Scenario: Sweep}
	for _, s := range []Sample{
		{KeyShare, 100, 10, 1}, {KeyShare, 50, 10, 2}, {KeyShare, 200, 10, 3}, // one rate
		{KeyShare, 100, 5, 4}, {KeyShare, 100, 20, 5}, // one number of miners
		{KeyRSS, 100, 0, 6},
	} {
		r.Add(SideProxy, []Sample{s, {s.Key, s.Miners, s.Rate, s.Value + 2}})
		r.Add(SideFloor, []Sample{s})
	}
	var got []string
	for _, p := range r.panels() {
		text := p.axis + ", " + p.context + ":"
		for _, at := range p.proxy {
			text += " " + figure.Plain(at.x) + "=" + figure.Plain(at.y)
		}
		got = append(got, text)
	}
	want := []string{
		"miners, 10 shares a second: 50.0=3.0 100.0=2.0 200.0=4.0",
		"shares a second, 100 miners: 5.0=5.0 10.0=2.0 20.0=6.0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("panels:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAxes(t *testing.T) {
	f := func(unit Unit, high, wantMost, wantStep float64, wantTick string) {
		t.Helper()
		p := panel{unit: unit, proxy: line{{1, high, high, high}}}
		most, step := p.top()
		if math.Abs(most/wantMost-1) > 1e-9 || math.Abs(step/wantStep-1) > 1e-9 {
			t.Errorf("%v: up to %v in steps of %v, want %v and %v", high, most, step, wantMost, wantStep)
		}
		if got := unit.tick(most, step); got != wantTick {
			t.Errorf("%v: the last tick says %q, want %q", high, got, wantTick)
		}
	}
	f(inSeconds, 51e-6, 60e-6, 20e-6, "60 µs")
	f(inSeconds, 0.095, 0.1, 0.02, "100 ms")
	f(inSeconds, 4, 4, 1, "4 s")
	f(inBytes, 30<<20, 30<<20, 10<<20, "30 MB")
	f(inAllocations, 0, 1, 1, "1")
}

func TestMachine(t *testing.T) {
	model, flags := parseCPUInfo("processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sha_ni sse avx2\n\nprocessor\t: 1\nmodel name\t: Other\n")
	if model != "Some CPU" || !slices.Equal(flags, []string{"sha_ni", "avx2"}) {
		t.Errorf("CPU %q with %v", model, flags)
	}
	m := Machine{CPU: "Some CPU", Cores: 2, Flags: flags, OS: "linux", Kernel: "6.1", Go: "go1.26"}
	if got, want := m.String(), "Some CPU, 2 cores (sha_ni, avx2), linux 6.1, go1.26"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestUnits(t *testing.T) {
	f := func(u Unit, v float64, want string) {
		t.Helper()
		if got := u.format(v); got != want {
			t.Errorf("%v %s: %q, want %q", v, u, got, want)
		}
	}
	f(inSeconds, 41.26e-6, "41.3 µs")
	f(inSeconds, 0.2, "200.0 ms")
	f(inSeconds, 1.5, "1.50 s")
	f(inBytes, 1228.8, "1.20 kB")
	f(inBytes, 32<<20, "32.0 MB")
	f(inFractions, 0.02, "2.00 %")
	f(inAllocations, 0.0021, "0.002")
	f(inPerSecond, 19999.6, "20000")
}
