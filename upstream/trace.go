package upstream

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"farmproxy/tap"
)

const (
	// tapped is how many messages of a link are kept for an operator: those of a
	// handshake and the last shares; 10 kB. Links of one miner each have none, since there
	// may be thousands, until their worker is traced.
	tapped = 32

	// maxTraced is how many links of one worker are traced: a name may be that of a whole
	// farm.
	maxTraced = 16

	// maxEnded is how many links that have ended are kept to be looked at: why a pool
	// lets nobody in is in the last lines of attempts.
	maxEnded = 8
)

// Tapped is a link that can be looked at.
type Tapped struct {
	Pool   string // its name
	Lane   int    // -1: a probe
	Secret string // must not be shown: the password
	*tap.Tap
}

// taps are the links that can be looked at: those that there are, and the last that were.
type taps struct {
	mu    sync.Mutex
	live  []*Tapped
	ended []*Tapped

	traces atomic.Pointer[[]*LinkTrace] // those under way; immutable
}

// LinkTrace is what an operator sees of the links that a worker's miners have to
// themselves.
type LinkTrace struct {
	login string
	mu    sync.Mutex // an event loop may take it
	lanes []*Lane
}

// TraceLinks begins to keep the messages of such links, those that there are and those to
// come. Each TraceLinks wants one EndTrace. Any goroutine.
func (d *Directory) TraceLinks(login string) *LinkTrace {
	t := &LinkTrace{login: login}
	d.taps.change(func(list []*LinkTrace) []*LinkTrace { return append(list, t) })
	for _, g := range d.Goals() {
		if !g.direct {
			continue
		}
		for _, l := range g.inOrder() {
			if of := l.login.Load(); of != nil {
				l.trace(*of)
			}
		}
	}
	return t
}

// EndTrace ends a trace.
func (d *Directory) EndTrace(t *LinkTrace) {
	d.taps.change(func(list []*LinkTrace) []*LinkTrace {
		return slices.DeleteFunc(list, func(x *LinkTrace) bool { return x == t })
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.lanes {
		if !slices.ContainsFunc(d.taps.underWay(), func(x *LinkTrace) bool { return x.has(l) }) {
			l.traced.Store(nil)
		}
	}
}

// Links returns the links that are traced. Any goroutine.
func (t *LinkTrace) Links() (list []*Tapped) {
	t.mu.Lock()
	lanes := slices.Clone(t.lanes)
	t.mu.Unlock()
	for _, l := range lanes {
		pool := l.goal.list()[0] // that is tried first
		if k := l.servingLink(); k != nil {
			pool = k.pool
		}
		if x := l.traced.Load(); x != nil {
			list = append(list, &Tapped{Pool: pool.Name, Lane: l.number, Secret: pool.Password, Tap: x})
		}
	}
	return list
}

func (t *LinkTrace) has(l *Lane) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.lanes, l)
}

// add adds a lane, unless it is there, or there are enough.
func (t *LinkTrace) add(l *Lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lanes) < maxTraced && !slices.Contains(t.lanes, l) {
		t.lanes = append(t.lanes, l)
		l.traced.CompareAndSwap(nil, tap.New(tapped))
	}
}

// trace has the messages of the lane's link kept if the worker of its miner is traced.
func (l *Lane) trace(login string) {
	for _, t := range l.goal.directory.taps.underWay() {
		if strings.EqualFold(t.login, login) {
			t.add(l)
		}
	}
}

func (t *taps) underWay() []*LinkTrace {
	if list := t.traces.Load(); list != nil {
		return *list
	}
	return nil
}

func (t *taps) change(change func([]*LinkTrace) []*LinkTrace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := change(slices.Clone(t.underWay()))
	t.traces.Store(&list)
}

// open adds a link.
func (t *taps) open(pool *Pool, lane *Lane) *Tapped {
	if lane != nil && lane.single() {
		return nil
	}
	x := &Tapped{Pool: pool.Name, Lane: -1, Secret: pool.Password, Tap: tap.New(tapped)}
	if lane != nil {
		x.Lane = lane.number
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = append(t.live, x)
	return x
}

// close notes that a link has ended.
func (t *taps) close(x *Tapped) {
	if x == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = slices.DeleteFunc(t.live, func(y *Tapped) bool { return x == y })
	if t.ended = append(t.ended, x); len(t.ended) > maxEnded {
		t.ended = slices.Delete(t.ended, 0, 1)
	}
}

// Taps returns the links to a pool, those first that have ended. Any goroutine.
func (d *Directory) Taps(pool string) (list []*Tapped) {
	d.taps.mu.Lock()
	defer d.taps.mu.Unlock()
	for _, x := range slices.Concat(d.taps.ended, d.taps.live) {
		if x.Pool == pool {
			list = append(list, x)
		}
	}
	return list
}

// tap returns what keeps the link's messages; nil: nothing does.
func (k *link) tap() *tap.Tap {
	switch {
	case k.tapped != nil:
		return k.tapped.Tap
	case k.lane != nil:
		return k.lane.traced.Load()
	}
	return nil
}
