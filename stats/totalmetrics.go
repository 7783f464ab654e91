package stats

import (
	"time"

	"farmproxy/work"
)

// totalFamilies are the families of each kind of total, with a label of that name:
// built once, so that a scrape builds no strings.
var totalFamilies = [numTotals]totalFamily{
	byAccount: newTotalFamily("account", "for"), byPool: newTotalFamily("pool", "for"), byAlgorithm: newTotalFamily("algorithm", "for"),
	byGroup: newTotalFamily("group", "in"),
}

type totalFamily struct {
	label                          string
	miners, shares, work, hashRate familyHead
}

// familyHead is the start of a family.
type familyHead struct{ name, help string }

// newTotalFamily returns the families of a label; of says how shares belong to it.
func newTotalFamily(label, of string) totalFamily {
	name := func(s string) string { return "farmproxy_" + label + "_" + s }
	whose := of + " the " + label
	return totalFamily{
		label:    label,
		miners:   familyHead{name("miners"), "Miners connected that mine " + whose + "."},
		shares:   familyHead{name("shares_total"), "Shares " + whose + " by the verdict that miners got; only verdicts that occurred."},
		work:     familyHead{name("work_total"), "Accepted shares " + whose + ", in shares of difficulty 1, each 2^32 hashes."},
		hashRate: familyHead{name("hashrate"), "Hashes per second " + whose + " over 5 minutes, from accepted shares."},
	}
}

// writeTotals writes the families of one kind of totals.
func (b *Book) writeTotals(e *exposition, by int, now time.Time) {
	family := &totalFamilies[by]
	e.totals = b.ledger.list(e.totals[:0], by)
	var f fresh
	if by == byPool {
		e.fresh = b.fresh(e.workers, now, e.fresh)
		f = e.fresh
	}
	each := func(head familyHead, what kind, value func(Total) float64) {
		e.begin(head.name, what, head.help)
		for _, t := range e.totals {
			e.value(value(t.info(now, f)), family.label, t.name)
		}
	}
	each(family.miners, gauge, func(t Total) float64 { return float64(t.Miners) })
	e.begin(family.shares.name, counter, family.shares.help)
	for _, t := range e.totals {
		for v, n := range t.info(now, f).Shares {
			if n > 0 {
				e.count(n, family.label, t.name, "verdict", work.Verdict(v).String())
			}
		}
	}
	each(family.work, counter, func(t Total) float64 { return t.Work })
	each(family.hashRate, gauge, func(t Total) float64 { return t.HashRate })
}

// writeGroups writes the families of groups, if there are any.
func (b *Book) writeGroups(e *exposition, workers []*Worker, now time.Time) {
	if b.ledger.count(byGroup) == 0 {
		return
	}
	b.writeTotals(e, byGroup, now)
	e.groups = countGroups(workers, e.groups)
	e.begin("farmproxy_group_workers", gauge, "Worker names of the group that farmproxy remembers.")
	for _, t := range e.totals {
		e.count(uint64(e.groups[t.name].workers), "group", t.name)
	}
	e.begin("farmproxy_group_workers_up", gauge, "Workers of the group with a miner connected.")
	for _, t := range e.totals {
		e.count(uint64(e.groups[t.name].up), "group", t.name)
	}
}
