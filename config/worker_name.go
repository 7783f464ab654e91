package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// workerNameVariables are the numbers of a miner's address in
// Miners.WorkerName: {ip1}.{ip2}.{ip3}.{ip4} is 10.0.7.12.
var workerNameVariables = []string{"{ip1}", "{ip2}", "{ip3}", "{ip4}"}

// braced matches a variable, or an attempt at one.
var braced = regexp.MustCompile(`\{[^{}]*\}|[{}]`)

func (m *Miners) checkWorkerName(ps *Problems) {
	const key = "miners.worker_name"
	plain(ps, key, m.WorkerName)
	if m.WorkerName == "" || ps.has(key) {
		return
	}
	const all = `"{ip1}x{ip2}x{ip3}x{ip4}"`
	if strings.ContainsFunc(m.WorkerName, func(r rune) bool { return r <= ' ' || r > '~' }) {
		ps.add(key, show(m.WorkerName), "expected printable ASCII without spaces: pools accept no other worker names", all)
		return
	}
	found := braced.FindAllString(m.WorkerName, -1)
	if i := slices.IndexFunc(found, func(v string) bool { return !slices.Contains(workerNameVariables, v) }); i >= 0 {
		ps.add(key, show(m.WorkerName), fmt.Sprintf("there is no %s, only %s", found[i], strings.Join(workerNameVariables, " ")), all)
		return
	}
	longest := len(m.WorkerName)
	for _, variable := range found {
		longest += len("255") - len(variable)
	}
	switch {
	case longest > maxWorkerName:
		ps.add(key, show(m.WorkerName), fmt.Sprintf("expected a name of up to %d bytes, this may reach %d", maxWorkerName, longest), all)
	case len(found) == 0:
		ps.add(key, show(m.WorkerName), "expected at least one of "+strings.Join(workerNameVariables, " ")+": without one, all miners would have the same name here", all+", or fixed_worker in [[pool]] for one name at the pool only")
	}
}
