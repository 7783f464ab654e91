package scenario

import (
	"fmt"
	"strings"
	"testing"

	"farmproxy/bench/attack"
	"farmproxy/bench/judge"
	"farmproxy/bench/pool"
)

// only returns the single key of m, "" if m is empty, and otherwise all of m.
func only(m map[string]int) string {
	if len(m) == 0 {
		return ""
	}
	if len(m) == 1 {
		for k := range m {
			return k
		}
	}
	return fmt.Sprint(m)
}

// borne returns an ordeal in which every promise was kept.
func borne() judge.Ordeal {
	return judge.Ordeal{
		Stage: "farm", Checked: true, Miners: 1000, Sent: 5000, Guests: 40, GuestsIn: 40,
		Bouts: []judge.Bout{{Before: []float64{0.020, 0.021, 0.022}, After: []float64{0.021, 0.021}, Attacked: []float64{0.030, 0.042, 0.500}, Stalled: 0.025}},
		Links: 1, Open: 20, Opened: 20, Memory: 40 << 20, Looks: 30,
		Raids: []attack.Figures{{Name: "replay", Sent: 9, Earned: 6}, {Name: "masks", Sent: 1}},
	}
}

func mustPool(t *testing.T, change func(*pool.Options)) *pool.Pool {
	t.Helper()
	o := pool.DefaultOptions()
	if change != nil {
		change(&o)
	}
	p, err := pool.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func wantText(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
}
