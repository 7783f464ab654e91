package netloop

import (
	"farmproxy/session"
	"farmproxy/stats"
)

// overflow is a worker whose name got no books of its own, because there are
// too many names: it still has to hand in shares under its own.
type overflow struct {
	*stats.Worker
	login string
}

func (o overflow) Name() string { return o.login }

// named returns the worker as its session knows it: by the name it logged in
// with.
func named(w *stats.Worker, login string) session.Worker {
	if w.Name() != login {
		return overflow{w, login}
	}
	return w
}

// books returns where a session's worker is booked.
func books(w session.Worker) *stats.Worker {
	if o, ok := w.(overflow); ok {
		return o.Worker
	}
	return w.(*stats.Worker)
}
