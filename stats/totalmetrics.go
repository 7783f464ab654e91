package stats

import (
	"time"

	"farmproxy/work"
)

// totalLabels are what totals are called in metrics: in families of that name,
// with a label of that name.
var totalLabels = [numTotals]string{byAccount: "account", byPool: "pool", byAlgorithm: "algorithm"}

// writeTotals writes the families of one kind of totals.
func (b *Book) writeTotals(e *exposition, by int, now time.Time) {
	label, totals := totalLabels[by], b.ledger.list(by)
	family := "farmproxy_" + label + "_"
	each := func(name string, what kind, help string, value func(*total) float64) {
		e.begin(family+name, what, help)
		for _, t := range totals {
			t.mu.Lock()
			v := value(t)
			t.mu.Unlock()
			e.value(v, label, t.name)
		}
	}
	each("miners", gauge, "Miners connected that mine for the "+label+".",
		func(t *total) float64 { return float64(t.miners) })
	e.begin(family+"shares_total", counter, "Shares for the "+label+" by the verdict that miners were told; only verdicts that there were.")
	for _, t := range totals {
		t.mu.Lock()
		shares := t.shares
		t.mu.Unlock()
		for v, n := range shares {
			if n > 0 {
				e.count(n, label, t.name, "verdict", work.Verdict(v).String())
			}
		}
	}
	each("work_total", counter, "Accepted shares for the "+label+", in shares of difficulty 1, each 2^32 hashes.",
		func(t *total) float64 { return t.work })
	each("hashrate", gauge, "Hashes per second for the "+label+" over 5 minutes, from accepted shares.",
		func(t *total) float64 { return t.window.hashRate(now, t.began.time()) })
}
