package config

import (
	"fmt"

	"farmproxy/naming"
)

func (m *Miners) checkWorkerGroup(ps *Problems) {
	const key = "miners.worker_group"
	if n := len(m.WorkerGroup); n > naming.MaxTemplates {
		ps.add(key, "", fmt.Sprintf("expected at most %d templates, found %d", naming.MaxTemplates, n), "(?:A|B) in one for the schemes A and B")
	}
	_, wrong := naming.ParseGroups(m.WorkerGroup)
	for _, e := range wrong {
		ps.add(fmt.Sprintf("%s[%d]", key, e.Index+1), show(m.WorkerGroup[e.Index]), e.Want, e.Try)
	}
}
