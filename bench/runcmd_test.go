package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/judge"
	"farmproxy/bench/pool"
	"farmproxy/bench/scenario"
	"farmproxy/internal/journal"
)

// mustMain runs a subcommand that must end with exit code want, and returns what it
// printed.
func mustMain(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != want {
		t.Fatalf("bench %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, &out)
	}
	return out.String()
}

// quick returns the arguments of a run that takes a second.
func quick(scenario string, more ...string) []string {
	return append([]string{"run", "-scenario", scenario, "-miners", "20", "-rate", "200", "-jobs", "2", "-job-every", "20ms", "-duration", "200ms", "-calm", "50ms"}, more...)
}

func TestRunSteadyComparesTheBooks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	// A byte pass-through is an honest proxy in workers mode ...
	wantText(t, mustMain(t, exitOK, quick("steady", "-workers", "-json", file)...), "no breach", "shares sent", "bytes up a share")
	var r scenario.Report
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
	// ... but otherwise books every share under a wrong name.
	out := mustMain(t, exitFailed, quick("steady")...)
	wantText(t, out, judge.BreachName, `is booked under "farm.rig`, "the child's log: ")
}

func TestRunFarmFindsDisconnects(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitFailed, quick("farm", "-workers", "-patience", "300ms")...)
	wantText(t, out, "disconnects of miners", "failover: only 0 of 20 miners")
}

// A byte pass-through lets everything through: junk reaches the pool, and every miner
// has a link.
func TestRunHostileFindsBreaches(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitFailed, "run", "-scenario", "hostile", "-only", "masks,http", "-miners", "20", "-rate", "200",
		"-duration", "400ms", "-answer-delay", "0", "-patience", "3s", "-workers")
	wantText(t, out, "stage farm, 20 honest miners", "links that carried the honest shares: 20, want 1",
		"attack ", "masks", "http", "the child's log: ")
}

// A byte pass-through does not say that nothing has changed, and can't be upgraded.
func TestRunUpgradeFindsBreaches(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitFailed, quick("upgrade", "-only", "crash", "-workers", "-silence", "1m")...)
	wantText(t, out, "stage crash: farmproxy upgrade does not say that nothing has changed: exit status 1: a pass-through has no upgrade",
		"stage upgrade: exit status 1: a pass-through has no upgrade", "the child's log: ")
	if strings.Contains(out, "lost their connection") || strings.Contains(out, "newcomer") || strings.Contains(out, "went back") {
		t.Errorf("it found what was not there:\n%s", out)
	}
}

// A byte pass-through has no reload.
func TestRunReloadFindsBreaches(t *testing.T) {
	t.Parallel()
	wantText(t, mustMain(t, exitFailed, quick("reload", "-workers")...), "round 1: the pools change places: exit status 1: a pass-through has no reload", "the child's log: ")
}

// A byte pass-through tells of a small farm, twenty times a second.
func TestRunPageCountsBytes(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitOK, quick("page", "-workers", "-rounds", "1")...)
	wantText(t, out, "an open page begins with", "ten of them, together", "kB/s", "more with ten", "memory, with history and a page", "no breach")
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
	wantText(t, out, "/api/v1/status", "0:00  miners: demo-pool 7; 1 shares, 2 rejected", "Goodbye: 7 miners sent ")
	wantNarrow(t, out)
}

// wantNarrow checks that text fits a terminal of 80 columns, with its cursor.
func wantNarrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 79 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestDemosLineIsNarrow(t *testing.T) {
	f := func(after time.Duration, text, want string) {
		t.Helper()
		var now farmNow
		if err := json.Unmarshal([]byte(text), &now); err != nil {
			t.Fatal(err)
		}
		got := now.line(after)
		wantNarrow(t, got)
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(61*time.Second, `{}`, " 1:01  miners: ; 0 shares, 0 rejected")
	f(5*time.Second, `{"shares":{"accepted":501,"rejected":{"stale":2,"duplicate":1}},"pools":[{"name":"main","miners":0},{"name":"second","miners":60},{"name":"backup","miners":140}]}`,
		" 0:05  miners: main 0, second 60, backup 140; 501 shares, 3 rejected")
	f(99*time.Minute+59*time.Second, `{"shares":{"accepted":99999999,"rejected":{"stale":99999}},"pools":[{"name":"main","miners":30000},{"name":"second","miners":20000},{"name":"backup","miners":15536}]}`,
		"99:59  miners: main 30000, second 20000, backup 15536; 99999999 shares, 99999 r")
}

// The names in the README's next commands are those of the demo.
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

// The demo's pool comes and goes, and its weights are exchanged, over and over.
func TestTheDemosPlan(t *testing.T) {
	var weights journal.Journal
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(&weights, "%s %s %s\n", r.Method, r.URL.Path, body)
	}))
	defer web.Close()
	served, err := pool.Start(pool.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var said strings.Builder
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		plan := demoPlan{off: time.Millisecond, on: 2 * time.Millisecond, weigh: 3 * time.Millisecond, every: 4 * time.Millisecond}
		plan.play(ctx, served, strings.TrimPrefix(web.URL, "http://"), cli.NewProgress(cli.Terminal{Err: &said}))
	}()
	events := func() (list []pool.EventKind) {
		for _, e := range served.Timeline() {
			if e.Kind == pool.EventUp || e.Kind == pool.EventDown {
				list = append(list, e.Kind)
			}
		}
		return list
	}
	for len(events()) < 5 || weights.Count("PUT") < 2 {
		select {
		case <-ended:
			t.Fatal(said.String())
		default:
		}
	}
	cancel()
	<-ended
	if got := events()[:5]; !slices.Equal(got, []pool.EventKind{pool.EventUp, pool.EventDown, pool.EventUp, pool.EventDown, pool.EventUp}) {
		t.Errorf("%v", got)
	}
	wantText(t, said.String(), "the main pool is switched off\n", "the main pool is on again", "weights are changed over the API: main 30, second 70\n", "main 70, second 30\n")
	wantText(t, weights.String(), `PUT /api/v1/routes/hall/weights {"weights":{"main":30,"second":70}}`, `{"main":70,"second":30}`)
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
	f(`-scenario: want farm, steady, floor, accounts, hostile, upgrade, reload, split or page, got "war"`, "run", "-scenario", "war")
	f("-miners: want 1 to 65536, got 0", "run", "-miners", "0")
	f("-miners: want 3 or more for three accounts, got 2", "run", "-scenario", "accounts", "-miners", "2")
	f(`-algorithm: want one of sha256d, scrypt, x11, got "sha3"`, "pool", "-algorithm", "sha3")
	f("-rate: want more than 0 shares per second, got 0", "run", "-rate", "0")
	f("-behind-agents: want 0 to 10, one for each miner, got 11", "run", "-miners", "10", "-behind-agents", "11")
	f("-behind-agents: not with scenario floor", "run", "-floor", "-behind-agents", "1")
	f("-agent, -behind-agents: not with scenario accounts", "run", "-scenario", "accounts", "-agent")
	f("-agent, -behind-agents: not with scenario hostile", "run", "-scenario", "hostile", "-agent")
	f("-only, -quick: with scenarios hostile and upgrade only", "run", "-quick")
	f(`-only: want some of replay,resume,`, "run", "-scenario", "hostile", "-only", "replay,siege")
	f(`-only: want some of upgrade,crash,`, "run", "-scenario", "upgrade", "-only", "crash,siege")
	f("-silence: want more than 0s", "run", "-scenario", "upgrade", "-silence", "0")
	f("-fault: want one of crash, format,", "heir", "-fault", "explode")
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

func TestLoadsOfFloorAndProxyAreWithoutCollector(t *testing.T) {
	percent := debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	limit := debug.SetMemoryLimit(-1)
	_, before := collections()
	mustMain(t, exitOK, quick("floor", "-workers", "-rounds", "1")...)
	if _, after := collections(); after != before+2 {
		t.Errorf("%d collections before loads, want one of the floor's and one of the proxy's", after-before)
	}
	wantCollector(t, 100, limit)
}

// Help fits a terminal of 80 columns.
func TestHelpFits(t *testing.T) {
	texts := []string{mustMain(t, exitOK, "-h")}
	for _, c := range commands {
		texts = append(texts, mustMain(t, exitOK, c.name, "-h"))
	}
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}
