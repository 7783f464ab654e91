// Package farmproxy_test holds the import directions of the whole module:
//
//	cmd -> proxy -> netloop -> session -> codec/agent codec work
//	        |     |        \-> upstream -> codec work stats dial
//	        |     |-> stats -> work
//	        |     |-> api -> stats store
//	        |     |-> admin
//	        |     \-> check -> config store
//	        |     \-> config, systemd, dial, descriptors, handover
//	        \-> bench -> its own rooms, and nothing above
package farmproxy_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "farmproxy"

// mayImport maps every package of the module to the others that it may import. Anything
// not listed is not allowed.
var mayImport = map[string][]string{
	"internal/golden":  {}, // for tests
	"internal/journal": {}, // for tests
	"textfile":         {},
	"internal/uring":   {},
	"naming":           {},
	"doctor":           {"config", "plain"},
	"cmd/farmproxy":    {"admin", "alert", "api", "bench", "certificate", "check", "config", "doctor", "plain", "proxy", "report", "stats", "store", "top"},
	"certificate":      {"textfile"},
	"guard":            {},
	"balance":          {},
	"wish":             {},
	"alert":            {"plain", "stats", "wish", "work"}, // stats: how workers are
	"proxy":            {"admin", "alert", "api", "balance", "certificate", "check", "codec", "config", "descriptors", "dial", "doctor", "guard", "handover", "history", "naming", "netloop", "notify", "plain", "report", "session", "sharelog", "stats", "store", "systemd", "tap", "textfile", "transport", "upstream", "viewlink", "wish", "work"},
	"live":             {},
	"viewlink":         {"textfile"},
	"plain":            {},
	"top":              {"api", "live", "plain", "stats", "work"},               // what it is told, and how that is written
	"monitoring":       {"alert", "internal/golden", "naming", "stats", "work"}, // tests only: which series there are
	"web":              {"session", "work"},                                     // tests only: the reasons that it explains
	"notify":           {"alert", "plain"},
	"report":           {"history", "plain", "wish"},
	"history":          {"sqlite", "stats", "work"}, // stats: when a worker is silent
	"sharelog":         {"work"},                    // the names of verdicts
	"tap":              {},
	"netloop":          {"codec", "codec/agent", "descriptors", "guard", "internal/uring", "naming", "session", "sharelog", "stats", "tap", "transport", "upstream", "work"},
	"session":          {"codec", "codec/agent", "work"},
	"upstream":         {"codec", "codec/agent", "descriptors", "dial", "stats", "tap", "textfile", "transport", "work"},
	"dial":             {},
	"transport":        {},
	"admin":            {},
	"stats":            {"naming", "work"},
	"api":              {"alert", "history", "live", "plain", "stats", "store", "textfile", "viewlink", "web", "work"}, // work: the names of verdicts, which algorithms are checked
	"codec":            {"work"},                                                                                       // a share is spelled once
	"codec/agent":      {"codec", "work"},
	"work":             {},
	"config":           {"alert", "naming", "textfile", "wish"},
	"descriptors":      {},
	"check":            {"config", "store"}, // store: which algorithms are known
	"store":            {"sqlite", "textfile"},
	"sqlite":           {},
	"systemd":          {},
	"handover":         {"descriptors"},

	"packaging":            {}, // tests only
	"packaging/thirdparty": {},

	// The judge shares nothing with the judged.
	"bench":          {"bench/api", "bench/attack", "bench/cli", "bench/figure", "bench/fleet", "bench/floor", "bench/heir", "bench/pool", "bench/proof", "bench/record", "bench/scenario", "bench/stand", "bench/wait", "bench/wire"},
	"bench/scenario": {"bench/api", "bench/attack", "bench/cli", "bench/figure", "bench/fleet", "bench/heir", "bench/judge", "bench/pool", "bench/proof", "bench/record", "bench/stand", "bench/wait"},
	"bench/judge":    {"bench/attack", "bench/figure", "bench/fleet", "bench/pool", "bench/proof"},
	"bench/record":   {"bench/cli", "bench/figure"},
	"bench/stand":    {"bench/pool", "bench/proof"},
	"bench/attack":   {"bench/mine", "bench/pool", "bench/proof", "bench/wait", "bench/wire"},
	"bench/floor":    {"bench/proof"},
	"bench/fleet":    {"bench/figure", "bench/mine", "bench/proof", "bench/recent", "bench/wire"},
	"bench/pool":     {"bench/figure", "bench/proof", "bench/recent", "bench/wait", "bench/wire"},
	"bench/mine":     {"bench/proof", "bench/wire"},
	"bench/proof":    {},
	"bench/wire":     {},
	"bench/heir":     {},
	"bench/api":      {},
	"bench/cli":      {},
	"bench/figure":   {},
	"bench/recent":   {},
	"bench/wait":     {},
}

// usedBy maps every foreign module to the packages that may import it, tests included:
// each has one place, where it can be replaced.
var usedBy = map[string][]string{
	"github.com/panjf2000/gnet/v2":       {"netloop", "bench/floor"},
	"github.com/bytedance/sonic":         {"codec", "api"},
	"github.com/valyala/fasthttp":        {"api"},
	"github.com/VictoriaMetrics/metrics": {"stats"},
	"github.com/BurntSushi/toml":         {"config"},
	"github.com/pires/go-proxyproto":     {"netloop"},
	"github.com/coreos/go-systemd/v22":   {"systemd"},
	"golang.org/x/sys":                   {"netloop", "internal/uring", "descriptors", "proxy", "handover", "systemd"},
	"golang.org/x/crypto":                {"work", "bench/proof"},
	"github.com/klauspost/compress":      {"history", "sharelog"}, // zstd
	"github.com/klauspost/cpuid/v2":      {"work"},                // does the CPU have the SHA extensions?
	"golang.org/x/net":                   {"dial"},                // SOCKS5
	"modernc.org/sqlite":                 {"sqlite"},
	"github.com/jackc/pgx/v5":            {"store"},
	"charm.land/bubbletea/v2":            {"top"},
	"github.com/charmbracelet/x/ansi":    {"top"},
	"github.com/charmbracelet/x/term":    {"cmd/farmproxy", "top"},
	"github.com/charmbracelet/x/vt":      {"cmd/farmproxy"}, // tests: a terminal
	"github.com/creack/pty":              {"cmd/farmproxy"}, // the same

	"github.com/grafana/grafana-foundation-sdk/go": {"monitoring"}, // not in the binary
	"github.com/wneessen/go-mail":                  {"notify"},
}

// listed is the output of go list for a package.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportDirections(t *testing.T) {
	seen := make(map[string]bool)
	for _, p := range mustList(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if name == "" {
			continue // this test
		}
		seen[name] = true
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("%s: a new package; add it to mayImport in imports_test.go, with what it may import", name)
			continue
		}
		for _, path := range p.Imports {
			if other, ours := strings.CutPrefix(path, module+"/"); ours && !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s, and may import %v only; move the code, or change mayImport and say why", name, other, allowed)
			}
		}
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			checkForeign(t, name, path)
		}
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("%s: in mayImport, but there is no such package; take it out", name)
		}
	}
}

// checkForeign complains about a foreign import that this package may not have.
func checkForeign(t *testing.T, name, path string) {
	t.Helper()
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return // the standard library's, or ours
	}
	for foreign, users := range usedBy {
		if path != foreign && !strings.HasPrefix(path, foreign+"/") {
			continue
		}
		if !slices.Contains(users, name) {
			t.Errorf("%s imports %s, which is for %v only", name, path, users)
		}
		return
	}
	t.Errorf("%s imports %s, a module that nothing uses yet; add it to usedBy in imports_test.go, with its one place", name, path)
}

func mustList(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
