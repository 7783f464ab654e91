package bench

import (
	"encoding/xml"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// smallBudget is a run of the whole of budget that takes seconds.
func smallBudget(more ...string) []string {
	return append([]string{"budget", "-miners", "20", "-more", "5", "-rounds", "1", "-rate", "200", "-fast", "400", "-duration", "100ms",
		"-jobs", "2", "-job-every", "20ms", "-idle", "100ms", "-idle-job-every", "50ms", "-workers"}, more...)
}

func TestBudgetRecordsEveryFigure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := mustMain(t, exitOK, smallBudget("-record", dir, "-commit", "v1-2-gabc")...)
	wantText(t, out, "20 miners, one round", "1.25 x floor", "allocations a share", "recorded in "+dir)
	files, err := filepath.Glob(filepath.Join(dir, "*-v1-2-gabc-budget.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("recorded files: %v, %v", files, err)
	}
	r, err := loadResult(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if r.Commit != "v1-2-gabc" || r.Machine.Go == "" || r.Machine.Cores == 0 || len(r.Breaches) > 0 {
		t.Errorf("result: %+v", r)
	}
	var keys []string
	for _, m := range r.Measures {
		keys = append(keys, m.Key)
		onlyProxy := slices.Contains([]string{keyAllocShare, keyAllocNotify, keyIdle, keyRapidLast, keyRapidMissed, keyRapidCPU}, m.Key)
		if len(m.Proxy) != 1 || (len(m.Floor) == 1) == onlyProxy {
			t.Errorf("%s: floor %v, proxy %v", m.Key, m.Floor, m.Proxy)
		}
	}
	want := slices.DeleteFunc(slices.Clone(tableOrder), func(key string) bool { return key == keyRSSLong || key == keyGrowth })
	if !slices.Equal(keys, want) {
		t.Errorf("measured %v, want %v", keys, want)
	}
	wantText(t, mustMain(t, exitOK, "table", files[0]), "| start to listening | ", "commit v1-2-gabc")
	wantText(t, mustMain(t, exitOK, "gobench", files[0]), "\ncpu: ", "BenchmarkCpuShareFast/floor/miners=20/rate=400 1 ")
}

func TestSweepFindsBreaches(t *testing.T) {
	t.Parallel()
	// What passes bytes on books under worker names, and -workers is missing.
	out := mustMain(t, exitFailed, "sweep", "-miners", "5", "-at", "5", "-rates", "200", "-rate", "200", "-rounds", "1",
		"-duration", "100ms", "-jobs", "1", "-job-every", "10ms")
	wantText(t, out, "BREACH: round 1 of 1, 5 miners, proxy: ", breachName)
}

func TestSweepCanBePlotted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustMain(t, exitOK, "sweep", "-miners", "5,10", "-at", "10", "-rates", "100,400", "-rate", "200", "-rounds", "1",
		"-duration", "100ms", "-jobs", "1", "-job-every", "10ms", "-workers", "-record", dir)
	files, _ := filepath.Glob(filepath.Join(dir, "*-sweep.json"))
	if len(files) != 1 {
		t.Fatalf("recorded files: %v", files)
	}
	picture := filepath.Join(dir, "scaling.svg")
	wantText(t, mustMain(t, exitOK, "plot", "-o", picture, files[0]), "wrote "+picture, "processor time a share by miners", "memory, all at work by miners")
	text, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	wantWellFormed(t, string(text))
	wantText(t, string(text), "200 shares a second", "10 miners", ">400<")
}

func TestLongWatchesTheMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := mustMain(t, exitOK, "long", "-miners", "10", "-rate", "500", "-shares", "200", "-job-every", "50ms", "-workers", "-duration", "2s", "-record", dir)
	wantText(t, out, "growth of memory over a long load", "10.00 %")
	files, _ := filepath.Glob(filepath.Join(dir, "*-long.json"))
	if len(files) != 1 {
		t.Fatalf("recorded files: %v", files)
	}
	r, err := loadResult(files[0])
	if err != nil {
		t.Fatal(err)
	}
	last := r.Memory[len(r.Memory)-1]
	if last.Shares < 200 || last.RSS <= 0 {
		t.Errorf("the last look at the memory: %+v", last)
	}
}

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
}

func TestRecordsGetNamesOfTheirOwn(t *testing.T) {
	r := newResult(scenarioBudget, "v1", nil)
	r.Started = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	dir := filepath.Join(t.TempDir(), "results")
	for _, want := range []string{"2026-05-04-v1-budget.json", "2026-05-04-v1-budget-2.json"} {
		file, err := r.record(dir)
		if err != nil || filepath.Base(file) != want {
			t.Errorf("recorded in %s, %v; want %s", file, err, want)
		}
	}
}

func TestPanelsTakeWhatIsComparable(t *testing.T) {
	r := &Result{Scenario: scenarioSweep}
	for _, s := range []sample{
		{keyShare, 100, 10, 1}, {keyShare, 50, 10, 2}, {keyShare, 200, 10, 3}, // one rate
		{keyShare, 100, 5, 4}, {keyShare, 100, 20, 5}, // one number of miners
		{keyRSS, 100, 0, 6},
	} {
		r.add(sideProxy, []sample{s, {s.key, s.miners, s.rate, s.value + 2}})
		r.add(sideFloor, []sample{s})
	}
	var got []string
	for _, p := range r.panels() {
		text := p.axis + ", " + p.context + ":"
		for _, at := range p.proxy {
			text += " " + plain(at.x) + "=" + plain(at.y)
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

func TestMisuseOfRecordedRuns(t *testing.T) {
	f := func(code int, want string, args ...string) {
		t.Helper()
		wantText(t, mustMain(t, code, args...), want)
	}
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(exitMisused, "want a recorded run", "table")
	f(exitMisused, "want a recorded run", "gobench")
	f(exitFailed, "no such file", "plot", "nonexistent.json")
	f(exitFailed, "no measures", "table", empty)
	f(exitMisused, "-rounds: want 1 to 100, got 0", "budget", "-rounds", "0")
	f(exitMisused, "want more than 0", "budget", "-more", "0")
	f(exitMisused, "file descriptors here and in the proxy", "budget", "-more", "60000000")
	f(exitMisused, `-miners: want numbers of 1 or more with commas between, got "1,x"`, "sweep", "-miners", "1,x")
	f(exitMisused, "-shares and -job-every: want more than 0", "long", "-shares", "0")
}

// wantWellFormed wants XML without an error.
func wantWellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}
