package stats

import (
	"bytes"
	"os/exec"
	"testing"
)

// Prometheus' own rules for names, units, types and help; skipped without promtool.
func TestPromtoolHasNothingToSay(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not here")
	}
	b := newBook(Options{Version: "1.2.3", Loops: 1, CloseReasons: []string{"eof", "slow"}})
	fill(b)
	var out bytes.Buffer
	if err := b.WriteMetrics(&out, true); err != nil {
		t.Fatal(err)
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = &out
	if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%v: %s", err, said)
	}
}
