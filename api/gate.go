package api

import (
	"slices"
	"sync"
	"time"
)

// gate bounds how many answers of a kind are made at a time. A request that finds it
// full waits for a while and is then refused.
type gate struct {
	what   string
	inside chan struct{} // one element each
	wait   time.Duration
}

func newGate(what string, most int) gate {
	return gate{what: what, inside: make(chan struct{}, most), wait: gateWait}
}

// enter waits for a place. A caller that gets nil calls leave once the answer is made.
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
		return g.busy()
	}
}

func (g *gate) leave() { <-g.inside }

func (g *gate) busy() error {
	return Busy("busy: no more than %d %s are answered at a time; ask again later, or less often", cap(g.inside), g.what)
}

// patience is how long a reader may take nothing while another waits for its place:
// longer than it takes to resend a lost packet, shorter than gateWait.
const patience = 2 * time.Second

// streams is a gate for answers that last as long as their readers take. When it is
// full, a reader that has stopped reading gives way.
type streams struct {
	gate
	patience time.Duration

	mu      sync.Mutex
	readers []*conn // inside
}

func newStreams(what string, most int) streams {
	return streams{gate: newGate(what, most), patience: patience}
}

// enter waits for a place. A caller that gets nil calls leave once the answer is
// written.
func (g *streams) enter(reader *conn) error {
	end := time.NewTimer(g.wait)
	defer end.Stop()
	for {
		select {
		case g.inside <- struct{}{}:
			g.add(reader)
			return nil
		default:
		}
		again := time.NewTimer(g.makeRoom())
		select {
		case g.inside <- struct{}{}:
			again.Stop()
			g.add(reader)
			return nil
		case <-again.C:
		case <-end.C:
			again.Stop()
			return g.busy()
		}
	}
}

// makeRoom closes the reader that has taken nothing for longest, if that exceeds the
// patience, and returns when to look again.
func (g *streams) makeRoom() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	longest := -1
	for i, c := range g.readers {
		if longest < 0 || c.stalled() > g.readers[longest].stalled() {
			longest = i
		}
	}
	if longest < 0 {
		return g.patience // those inside have only just arrived
	}
	slowest := g.readers[longest]
	if left := g.patience - slowest.stalled(); left > 0 {
		return left
	}
	g.readers = slices.Delete(g.readers, longest, longest+1)
	_ = slowest.Close() // its answer fails, and it leaves
	return g.patience
}

func (g *streams) add(reader *conn) {
	reader.moved()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readers = append(g.readers, reader)
}

func (g *streams) leave(reader *conn) {
	g.mu.Lock()
	if i := slices.Index(g.readers, reader); i >= 0 {
		g.readers = slices.Delete(g.readers, i, i+1)
	}
	g.mu.Unlock()
	g.gate.leave()
}
