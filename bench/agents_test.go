package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/bench/scenario"
)

// A byte pass-through lets agents talk to the pool themselves. Everything works then,
// except that they lose their connection together with the pool's.
func TestRunAgentComparesTheBooks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	out := mustMain(t, exitFailed, quick("steady", "-agent", "-behind-agents", "2", "-json", file)...)
	wantText(t, out, "kbit/s up", "workers, registered now / ever / unregistered", "submit of 19 bytes, type 12", "20 disconnects of miners")
	if n := strings.Count(out, "\n  - "); n != 1 {
		t.Errorf("%d breaches, want the disconnects only:\n%s", n, out)
	}
	var r scenario.Report
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mustJSON(t, string(text), &r)
	// The last of the 40 shares are still on their way when the load ends: on a busy machine,
	// some more.
	if f := r.Proxy.Figures; f.BytesUpPerShare < 10 || f.BytesUpPerShare > 20 || f.KbitUp <= 0 {
		t.Errorf("%v bytes a share, %v kbit/s", f.BytesUpPerShare, f.KbitUp)
	}
	total := r.Proxy.Agents[0].Total
	// Twice all of them, because the links dropped once, plus those that left and
	// returned.
	if total.Workers != 20 || total.Registered != 42 || total.Unregistered != 2 || len(r.Proxy.Agents[0].Links) != 4 {
		t.Errorf("agents: %+v", total)
	}
}

func TestRunAgentRolls(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitFailed, quick("steady", "-agent", "-behind-agents", "1", "-roll", "none")...)
	wantText(t, out, "bytes up a share", "submit of 15 bytes, type 02")
	if strings.Contains(out, "submit of 19") {
		t.Errorf("longer frames than needed in\n%s", out)
	}
}

// A proxy that is not an agent is detected.
func TestRunAgentFindsAProxyThatIsNone(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitFailed, quick("steady", "-agent", "-patience", "100ms")...)
	wantText(t, out, "0 workers are registered, want 20; 20 not registered", "pool pool-a never saw an agent", "of 20 miners work at its own difficulty")
}

func TestRunBehindAgents(t *testing.T) {
	t.Parallel()
	out := mustMain(t, exitOK, quick("steady", "-workers", "-behind-agents", "3")...)
	wantText(t, out, "no breach")
}
