package monitoring

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	ours "farmproxy/alert"
	"farmproxy/internal/golden"
	"farmproxy/naming"
	"farmproxy/stats"
	"farmproxy/work"
)

// The files are what the source makes.
func TestFiles(t *testing.T) {
	golden.Compare(t, "rules.yml", rules(alerts))
	golden.Compare(t, "centre-rules.yml", rules(siteAlerts))
	golden.Compare(t, "dashboard.json", box.JSON())
	golden.Compare(t, "centre-dashboard.json", centre.JSON())
}

// families returns the names of all series that farmproxy can have.
func families(t *testing.T) map[string]bool {
	t.Helper()
	b := stats.New(stats.Options{Loops: 1, CloseReasons: []string{"eof"}})
	groups, wrong := naming.ParseGroups([]string{"hall"})
	if wrong != nil {
		t.Fatal(wrong)
	}
	b.Configure(stats.Settings{Groups: groups})
	b.SetStore(func() (int, error) { return 0, nil })
	b.SetCertificates(func() map[string]time.Time { return map[string]time.Time{"cert.pem": time.Now()} })
	b.SetHistory(func() error { return nil })
	b.SetConfiguration("x")
	b.SetAlerts(func() []stats.AlertCount { return []stats.AlertCount{{Rule: "pool_down"}} })
	b.SetUsual(func() (float64, map[string]float64) { return 1, map[string]float64{"hall": 1} })
	b.SetRoutes(func() []stats.Route {
		return []stats.Route{{Name: "hall", Goals: []stats.RouteGoal{{Name: "main", Moves: map[string]uint64{"balance": 1}}}}}
	})
	b.Pool("main", "stratum+tcp://a:1", 0).Certificate.Store(&stats.PoolCertificate{})
	w, now := b.Worker("a.rig"), time.Now()
	w.Connected(now, "192.0.2.1:1", "")
	w.Mining("a", "main", "sha256d")
	w.Share(0, now, work.Accepted, 1)
	b.OpenLink("main", 0)
	var text bytes.Buffer
	if err := b.WriteMetrics(&text, true); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"up": true}
	for _, line := range strings.Split(text.String(), "\n") {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(name, " ")
			names[name] = true
			if kind == "histogram" {
				names[name+"_bucket"] = true
			}
		} else if name, _, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			name, _, _ = strings.Cut(name, "{")
			names[name] = true
		}
	}
	return names
}

var series = regexp.MustCompile(`\b(farmproxy_[a-z_]+|process_[a-z_]+|up\b|ALERTS\b)`)

// Every series that an alert or a panel asks for exists.
func TestEverySeriesExists(t *testing.T) {
	known := families(t)
	known["ALERTS"] = true // what whoever judges the rules says
	check := func(where, expr string) {
		found := series.FindAllString(expr, -1)
		if len(found) == 0 {
			t.Errorf("%s asks for nothing of farmproxy: %s", where, expr)
		}
		for _, name := range found {
			if !known[name] {
				t.Errorf("%s: there is no series %s", where, name)
			}
		}
	}
	for _, a := range slices.Concat(alerts, siteAlerts) {
		check(a.name, a.expr)
	}
	for _, b := range []board{box, centre} {
		for _, p := range b.panels {
			for _, q := range p.queries {
				check(p.title, q.expr)
			}
		}
	}
}

// The rules are those of farmproxy itself, each once; that it is away only Prometheus can say.
func TestRulesAreThoseOfFarmproxy(t *testing.T) {
	want := []string{"FarmproxyDown"}
	for i := range ours.Rules {
		want = append(want, ours.Rules[i].Prometheus())
	}
	var got []string
	for _, a := range alerts {
		got = append(got, a.name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Each alert fires when it should, and not when it should not.
func TestAlerts(t *testing.T) {
	promtool := program(t, "promtool", "prometheus")
	for file, list := range map[string][]alert{"rules.yml": alerts, "centre-rules.yml": siteAlerts} {
		run(t, promtool, "check", "rules", file)
		dir := t.TempDir()
		write(t, filepath.Join(dir, file), rules(list))
		write(t, filepath.Join(dir, "proof.yml"), proof(file, list))
		run(t, promtool, "test", "rules", filepath.Join(dir, "proof.yml"))
	}
}

// VictoriaMetrics understands the rules too.
func TestAlertsInTheCentre(t *testing.T) {
	run(t, program(t, "vmalert", "victoria-metrics"), "-dryRun", "-rule=rules.yml", "-rule=centre-rules.yml")
}

// program returns the path of a program, or skips the test without Debian's package of it.
func program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not here: apt-get install %s", name, debian)
	}
	return path
}

// run runs a command that has to succeed.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if said, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v: %s", filepath.Base(name), strings.Join(args, " "), err, said)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
