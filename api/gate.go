package api

import (
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

// gate bounds how many answers of a kind are made at a time. Who finds it full
// waits for a while and is then refused.
type gate struct {
	what   string
	inside chan struct{} // one for each
	wait   time.Duration
}

func newGate(what string, most int) gate {
	return gate{what: what, inside: make(chan struct{}, most), wait: gateWait}
}

// enter waits for a place. Whoever gets nil calls leave when the answer is made.
func (g *gate) enter() error {
	select {
	case g.inside <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(g.wait)
	defer t.Stop()
	select {
	case g.inside <- struct{}{}:
		return nil
	case <-t.C:
		return &httpError{
			fasthttp.StatusServiceUnavailable,
			fmt.Sprintf("busy: no more than %d %s are answered at a time; ask again later, or less often", cap(g.inside), g.what),
		}
	}
}

func (g *gate) leave() { <-g.inside }
