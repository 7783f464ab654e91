package monitoring

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"farmproxy/internal/golden"
	"farmproxy/naming"
	"farmproxy/stats"
	"farmproxy/work"
)

// The files are what the source makes.
func TestFiles(t *testing.T) {
	golden.Compare(t, "rules.yml", rules())
	golden.Compare(t, "dashboard.json", dashboard())
	var v any
	if err := json.Unmarshal([]byte(dashboard()), &v); err != nil {
		t.Error(err)
	}
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
	b.Pool("main", "stratum+tcp://a:1", 0)
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

var series = regexp.MustCompile(`\b(farmproxy_[a-z_]+|process_[a-z_]+|up\b)`)

// Every series that an alert or a panel asks for exists.
func TestEverySeriesExists(t *testing.T) {
	known := families(t)
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
	for _, a := range alerts {
		check(a.name, a.expr)
	}
	for _, p := range panels {
		for _, q := range p.queries {
			check(p.title, q.expr)
		}
	}
}

// Each alert fires when it should, and not when it should not.
func TestAlerts(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not here")
	}
	if said, err := exec.Command(promtool, "check", "rules", "rules.yml").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(rules()), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "proof.yml")
	if err := os.WriteFile(file, []byte(proof("rules.yml")), 0o644); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command(promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
