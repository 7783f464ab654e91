package scenario

import (
	"strings"
	"testing"

	"farmproxy/bench/attack"
	"farmproxy/bench/cli"
	"farmproxy/bench/judge"
)

// Every attack is part of an existing stage, within the bound.
func TestHostileStages(t *testing.T) {
	played := map[string]bool{}
	for _, s := range stages {
		sockets := 0
		for _, name := range s.attacks {
			some, err := attack.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			played[name] = true
			sockets += some[0].Peers
		}
		if sockets > mostSockets {
			t.Errorf("stage %s: %d connections, want %d at most", s.name, sockets, mostSockets)
		}
	}
	for _, a := range attack.All {
		if !played[a.Name] {
			t.Errorf("attack %s is played on no stage", a.Name)
		}
	}
}

func TestHostileTables(t *testing.T) {
	var b strings.Builder
	d := borne()
	d.Duplicates = 2
	d.Raids[0].Ends = map[string]int{"22 Duplicate share": 4}
	d.Reasons = map[string]int{"too_slow": 3}
	d.Trouble("a trouble")
	d.Trouble("a trouble")
	(&Outcome{Ordeals: []judge.Ordeal{d}}).printOrdeals(cli.Terminal{Out: &b})
	wantText(t, b.String(), "stage farm, 1000 honest miners", "duplicates at the pool", "BROKEN", "ok",
		"replay: 4 x 22 Duplicate share", "closed by the proxy: 3 x too_slow", "! a trouble")
	if strings.Count(b.String(), "! a trouble") != 1 {
		t.Errorf("a trouble is told twice:\n%s", b.String())
	}
}
