package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// mustMain runs a subcommand that wants exit code want, and returns what it printed.
func mustMain(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != want {
		t.Fatalf("bench %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, &out)
	}
	return out.String()
}

func wantText(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
}

// quick is a run that takes a second.
func quick(scenario string, more ...string) []string {
	return append([]string{"run", "-scenario", scenario, "-miners", "20", "-rate", "200", "-jobs", "2", "-job-every", "20ms", "-duration", "200ms", "-calm", "50ms"}, more...)
}

func TestRunSteadyComparesTheBooks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	// What passes bytes on is an honest proxy in workers mode ...
	wantText(t, mustMain(t, exitOK, quick("steady", "-workers", "-json", file)...), "no breach", "shares sent", "bytes up a share")
	var r Report
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mustJSON(t, string(text), &r)
	f := r.Proxy.Figures
	if f.Miners != 20 || f.ConnectSeconds <= 0 || len(f.NotifySeconds) != 2 || f.NotifyMax <= 0 || f.RoundTripP50 <= 0 || f.RSSConnected <= 0 || f.BytesUpPerShare < 50 {
		t.Errorf("figures: %+v", f)
	}
	if b := r.Proxy.Books; b.FleetAccepted == 0 || b.FleetAccepted != b.PoolAccepted {
		t.Errorf("books: %+v", b)
	}
	// ... and books every share under a wrong name otherwise.
	out := mustMain(t, exitFailed, quick("steady")...)
	wantText(t, out, breachName, `is booked under "farm.rig`, "the child's log: ")
}

func TestRunFarmFindsDisconnects(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitFailed, quick("farm", "-workers", "-patience", "300ms")...)
	wantText(t, out, "disconnects of miners", "failover: only 0 of 20 miners")
}

// What passes bytes on lets everything through: junk gets to the pool, and every
// miner has a link.
func TestRunHostileFindsBreaches(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitFailed, "run", "-scenario", "hostile", "-only", "masks,http", "-miners", "20", "-rate", "200",
		"-duration", "400ms", "-answer-delay", "0", "-patience", "3s", "-workers")
	wantText(t, out, "stage farm, 20 honest miners", "links that carried the honest shares: 20, want 1",
		"attack ", "masks", "http", "the child's log: ")
}

func TestRunFloorPrintsRatios(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitOK, quick("floor", "-workers", "-rounds", "1")...)
	wantText(t, out, "median of 1 rounds", "floor", "ratio", "job, emission to the last miner", "no breach")
}

func TestRunEndsWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	time.AfterFunc(50*time.Millisecond, cancel)
	if code := Main(ctx, quick("steady", "-workers", "-duration", "1m"), &out, &out); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	wantText(t, out.String(), "interrupted before the end")
}

func TestRunWithAChildThatDoesNotStart(t *testing.T) {
	wantText(t, mustMain(t, exitFailed, quick("steady", "-exe", "/bin/false")...), "proxy ended before it listened", "its log is")
	wantText(t, mustMain(t, exitFailed, quick("steady", "-exe", "/nonexistent")...), "start /nonexistent")
}

func TestDemoEndsByItself(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitOK, "demo", "-for", "1500ms", "-miners", "7", "-http", "127.0.0.1:0")
	wantText(t, out, "/api/v1/status", "7 miners on demo-pool  1 shares, 2 rejected  1.50 kH/s", "Goodbye: 7 miners sent ")
	wantNarrow(t, out)
}

// wantNarrow wants text to fit an 80 columns terminal, with its cursor.
func wantNarrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 79 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestDemosLineIsNarrow(t *testing.T) {
	s := proxyStatus{Miners: 65536, Pool: "backup", HashRate: 999.994e15}
	s.Shares.Accepted, s.Shares.Rejected = 99_999_999, map[string]uint64{"stale": 99_999}
	wantNarrow(t, s.line(99*time.Minute+59*time.Second))
	if got, want := (proxyStatus{Miners: 7}).line(61*time.Second), " 1:01  7 miners on no pool  0 shares, 0 rejected  0.00 H/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestHashRatesHaveTheirUnit(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		if got := hashRate(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	f(0, "0.00 H/s")
	f(999.994, "999.99 H/s")
	f(999.996, "1.00 kH/s")
	f(1.5e12, "1.50 TH/s")
	f(999.9999e15, "1.00 EH/s")
	f(3e27, "3000000.00 ZH/s")
}

// The names that the README has in its next commands are the demo's.
func TestDemosNamesAreTheReadmes(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`search=(\w+)`).FindAllStringSubmatch(string(readme), -1) {
		found := 0
		for i := range 200 {
			if strings.Contains(demoName(i), m[1]) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("the README searches for %s: %d of the demo's miners are called so", m[1], found)
		}
	}
}

func TestOutagesComeAndGo(t *testing.T) {
	pool, err := StartPool(DefaultPoolOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var said strings.Builder
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		outage{time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond}.of(ctx, pool, newProgress(terminal{err: &said}))
	}()
	events := func() (list []EventKind) {
		for _, e := range pool.Timeline() {
			if e.Kind == EventUp || e.Kind == EventDown {
				list = append(list, e.Kind)
			}
		}
		return list
	}
	for len(events()) < 5 {
		select {
		case <-ended:
			t.Fatal(said.String())
		default:
		}
	}
	cancel()
	<-ended
	if got := events()[:5]; !slices.Equal(got, []EventKind{EventUp, EventDown, EventUp, EventDown, EventUp}) {
		t.Errorf("%v", got)
	}
	wantText(t, said.String(), "the main pool is switched off\n", "the main pool is on again")
	wantNarrow(t, said.String())
}

func TestMisuse(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		wantText(t, mustMain(t, exitMisused, args...), want)
	}
	f("usage: farmproxy bench SUBCOMMAND")
	f(`no subcommand "dig"`, "dig")
	f(`unexpected argument "fast"`, "run", "fast")
	f(`-scenario: want farm, steady, floor, accounts or hostile, got "war"`, "run", "-scenario", "war")
	f("-miners: want 1 to 65536, got 0", "run", "-miners", "0")
	f("-miners: want 3 or more for three accounts, got 2", "run", "-scenario", "accounts", "-miners", "2")
	f(`-algorithm: want one of sha256d, scrypt, x11, got "sha3"`, "pool", "-algorithm", "sha3")
	f("-rate: want more than 0 shares per second, got 0", "run", "-rate", "0")
	f("-behind-agents: want 0 to 10, one for each miner, got 11", "run", "-miners", "10", "-behind-agents", "11")
	f("-behind-agents: not with scenario floor", "run", "-floor", "-behind-agents", "1")
	f("-agent, -behind-agents: not with scenario accounts", "run", "-scenario", "accounts", "-agent")
	f("-agent, -behind-agents: not with scenario hostile", "run", "-scenario", "hostile", "-agent")
	f("-only, -quick: with scenario hostile only", "run", "-quick")
	f(`-only: want some of replay,resume,`, "run", "-scenario", "hostile", "-only", "replay,siege")
	f(`-roll: want version, time, version,time or none, got "dice"`, "run", "-roll", "dice")
	f("-roll: want version", "fleet", "-roll", "dice")
	f("fleet: agents: want 0 to 3, one for each miner, got 4", "fleet", "-miners", "3", "-agents", "4")
	f("fleet: 1 agents carry 65535 miners at the most", "fleet", "-miners", "65536", "-agents", "1")
	f("-trace: ", "pool", "-trace", "/nonexistent/trace")
	f("-duration: want 100ms or more, got 1ms", "run", "-duration", "1ms")
	f("-rounds: want 1 to 100, got 0", "run", "-rounds", "0")
	f("-mask: want 8 hex digits", "pool", "-mask", "1f")
	f("-refuse-names: ", "pool", "-refuse-names", "(")
	f("no such trouble", "pool", "-script", "explode")
	f("want an IP address", "fleet", "-sources", "home")
	f("-miners: want 1 to 65536, got 0", "demo", "-miners", "0")
	wantText(t, mustMain(t, exitOK, "-h"), "usage: farmproxy bench SUBCOMMAND", "demo")
	for _, c := range commands {
		wantText(t, mustMain(t, exitOK, c.name, "-h"), "usage: farmproxy bench "+c.name+" [flags]")
	}
}

func TestPoolCommandPrintsItsBooks(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	if code := Main(ctx, []string{"pool", "-listen", "127.0.0.1:0", "-script", "job clean", "-v"}, &out, &out); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, &out)
	}
	wantText(t, out.String(), "pool listens on 127.0.0.1:", "script: job clean", "job 000002 clean=true", "in all: accepted 0")
}

func TestFleetCommandAgainstAPool(t *testing.T) {
	t.Parallel()
	p := mustPool(t, nil)
	out := mustMain(t, exitOK, "fleet", "-target", p.Addr(), "-miners", "5", "-rate", "100", "-for", "1s")
	wantText(t, out, "5 of 5 miners at work", "0 refused, 0 pending")
	if p.Books().Total().Accepted == 0 {
		t.Error("no share on the pool's books")
	}
}

func TestFleetCommandWithAgents(t *testing.T) {
	t.Parallel()
	p := mustPool(t, nil)
	out := mustMain(t, exitOK, "fleet", "-target", p.Addr(), "-miners", "6", "-agents", "2", "-rate", "100", "-for", "1s")
	wantText(t, out, "6 of 6 miners at work", "0 refused, 0 pending")
	if b := p.AgentTotal(); b.Registered != 6 || len(p.Agents()) != 2 {
		t.Errorf("pool: %s", b)
	}
}

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

func TestReportRoundTrips(t *testing.T) {
	r := Report{Scenario: "floor", Breaches: []string{"x"}, Ratios: map[string]float64{"connect": 1.5}}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, string(text), `"scenario":"floor"`, `"ratios":{"connect":1.5}`, `"breaches":["x"]`)
}

func TestMedian(t *testing.T) {
	f := func(want float64, values ...float64) {
		t.Helper()
		if got := median(values); got != want {
			t.Errorf("median of %v: got %v, want %v", values, got, want)
		}
	}
	f(0)
	f(3, 3)
	f(2, 3, 1)
	f(3, 9, 1, 2, 4)
}

func TestHashRate(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		if got := hashRate(v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(0, "0.00 H/s")
	f(1500, "1.50 kH/s")
	f(2.5e15, "2.50 PH/s")
	f(3e24, "3000.00 ZH/s")
}
