package netloop

import (
	"farmproxy/session"
	"farmproxy/stats"
)

// alias is a worker that is booked under another name than its miner says:
// because workers are named by their address (workerName), or because there are
// too many names for each to have books of its own. The miner hands in shares
// under the name that it says.
type alias struct {
	*stats.Worker
	said string
}

func (a alias) Name() string { return a.said }

// named returns the worker as its session knows it: by the name that the miner
// says.
func named(w *stats.Worker, said string) session.Worker {
	if w.Name() != said {
		return alias{w, said}
	}
	return w
}

// books returns where a session's worker is booked.
func books(w session.Worker) *stats.Worker {
	if a, ok := w.(alias); ok {
		return a.Worker
	}
	return w.(*stats.Worker)
}
