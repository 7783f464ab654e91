package bench

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"farmproxy/bench/judge"
	"farmproxy/bench/record"
)

// smallBudget is a complete run of budget that takes seconds.
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
	r, err := record.Load(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if r.Commit != "v1-2-gabc" || r.Machine.Go == "" || r.Machine.Cores == 0 || len(r.Breaches) > 0 {
		t.Errorf("result: %+v", r)
	}
	var keys []string
	for _, m := range r.Measures {
		keys = append(keys, m.Key)
		if strings.HasPrefix(m.Key, "tls_") { // the floor has no TLS
			if len(m.Proxy) != 1 || len(m.Floor) > 0 {
				t.Errorf("%s: floor %v, proxy %v", m.Key, m.Floor, m.Proxy)
			}
			continue
		}
		onlyProxy := slices.Contains([]string{record.KeyAllocShare, record.KeyAllocNotify, record.KeyIdle, record.KeyRapidLast, record.KeyRapidMissed, record.KeyRapidCPU,
			record.KeyPageBytes, record.KeyPagesBytes, record.KeyPageCPU, record.KeyPagesCPU, record.KeyPageMemory}, m.Key)
		if len(m.Proxy) != 1 || (len(m.Floor) == 1) == onlyProxy {
			t.Errorf("%s: floor %v, proxy %v", m.Key, m.Floor, m.Proxy)
		}
	}
	want := slices.DeleteFunc(slices.Clone(record.TableOrder), func(key string) bool { return key == record.KeyRSSLong || key == record.KeyGrowth })
	if !slices.Equal(keys, want) {
		t.Errorf("measured %v, want %v", keys, want)
	}
	wantText(t, mustMain(t, exitOK, "table", files[0]), "| start to listening | ", "commit v1-2-gabc")
	wantText(t, mustMain(t, exitOK, "gobench", files[0]), "\ncpu: ", "BenchmarkCpuShareFast/floor/miners=20/rate=400 1 ")
}

func TestSweepFindsBreaches(t *testing.T) {
	t.Parallel()
	// A byte pass-through books under worker names, and -workers is missing.
	out := mustMain(t, exitFailed, "sweep", "-miners", "5", "-at", "5", "-rates", "200", "-rate", "200", "-rounds", "1",
		"-duration", "100ms", "-jobs", "1", "-job-every", "10ms")
	wantText(t, out, "BREACH: round 1 of 1, 5 miners, proxy: ", judge.BreachName)
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
	r, err := record.Load(files[0])
	if err != nil {
		t.Fatal(err)
	}
	last := r.Memory[len(r.Memory)-1]
	if last.Shares < 200 || last.RSS <= 0 || last.Anonymous <= 0 || last.Anonymous >= last.RSS {
		t.Errorf("the last look at the memory: %+v", last)
	}
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
