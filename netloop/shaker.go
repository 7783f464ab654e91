package netloop

import (
	"container/list"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

const (
	// maxHandshakes bounds the handshakes that have begun and not ended, each with 25
	// kB: 25 MB. Further ones wait, each with its hello only.
	maxHandshakes = 1024

	// handshakePatience is how long a miner may leave an answer of its handshake
	// unanswered while others wait to begin theirs: as long as the slowest control
	// boards compute.
	handshakePatience = time.Second

	// stormy is how many handshakes at once are a storm, as when a farm comes back: a
	// dozen miners that come one after the other are none.
	stormy = 16
)

// shaker does handshakes on goroutines of its own, so that no event loop computes for
// them: at 0.2 to 2 ms each, a farm's would stop all shares for seconds. Steps of
// handshakes that have begun come first, then hellos, of each address in turn: a flood
// delays only its own address.
//
// Each connection has one step at a time in it, so its queues are as long as there are
// connections.
type shaker struct {
	begin func()
	done  func(*step) // tells the loop; any goroutine
	storm func(bool)  // is told when a storm begins and when it is over; not on a loop
	since time.Time   // where its times begin
	wg    sync.WaitGroup

	mu      sync.Mutex
	some    sync.Cond // on mu: there may be something to do, or stopped is set
	further []*step   // of handshakes that have begun
	hellos  hellos
	open    list.List // of *opened: begun and not over; the one first that had its last answer first
	stopped bool

	weather sync.Mutex
	storms  bool // there is a storm, and storm knows; guarded by weather
}

// opened is a handshake that has begun.
type opened struct {
	hello *step
	place *list.Element // in shaker.open
	at    time.Duration // when it had its last answer
	busy  bool          // a step is waiting or under way
}

// ready prepares for n goroutines; done and storm may be called on any of them. They have no
// processor of the runtime's more, unlike the hasher's: it would be idle nearly always,
// and cost a fifth of a share's time, since each yield of a loop wakes a thread for it.
func (s *shaker) ready(n int, started time.Time, done func(*step), storm func(bool)) {
	s.done, s.since, s.storm = done, started, storm
	s.some.L = &s.mu
	s.hellos.by = make(map[netip.Addr][]*step)
	s.begin = sync.OnceFunc(func() {
		for range n {
			s.wg.Go(s.work)
		}
	})
}

// put queues a step.
func (s *shaker) put(x *step) {
	s.begin()
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := x.hands.open; o != nil {
		o.busy = true
		s.further = append(s.further, x)
	} else {
		s.hellos.put(x)
	}
	s.some.Signal()
}

// over records that a handshake has ended.
func (s *shaker) over(h *handshake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(h)
}

// drop is over. The caller holds the lock.
func (s *shaker) drop(h *handshake) {
	if h.open != nil {
		s.open.Remove(h.open.place)
		h.open = nil
		if s.hellos.n > 0 {
			s.some.Signal()
		}
	}
}

// tick lets hellos that wait have another look at those that dawdle.
func (s *shaker) tick() {
	s.watch(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hellos.n > 0 {
		s.some.Broadcast()
	}
}

// watch notices a storm, and at a tick its end. storm is called without the lock, which
// loops take: it may take a moment.
func (s *shaker) watch(tick bool) {
	s.mu.Lock()
	many := s.hellos.n+s.open.Len() >= stormy
	s.mu.Unlock()
	s.weather.Lock()
	defer s.weather.Unlock()
	if many != s.storms && (many || tick) {
		s.storms = many
		s.storm(many)
	}
}

// stop ends the goroutines. All loops must have ended.
func (s *shaker) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.some.Broadcast()
	s.wg.Wait()
	for x := s.hellos.n; x > 0; x-- {
		s.hellos.take().hands.with.Close()
	}
	for _, x := range s.further {
		x.hands.with.Close()
	}
}

// work takes steps until stop.
func (s *shaker) work() {
	for {
		x := s.next()
		s.watch(false)
		switch {
		case x == nil:
			return
		case x.late:
		default:
			x.data, x.done, x.err = x.hands.with.Handshake(x.data)
			s.answered(x)
		}
		s.done(x)
		runtime.Gosched() // a loop may be waiting for this processor: for one step, not for all
	}
}

// answered records that a step is done.
func (s *shaker) answered(x *step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := x.hands.open
	switch {
	case x.done || x.err != nil:
		s.drop(x.hands)
	case o != nil: // else its connection has closed
		o.busy, o.at = false, time.Since(s.since)
		s.open.MoveToBack(o.place)
	}
}

// next waits for the next step; nil: stop was called.
func (s *shaker) next() *step {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopped {
		if len(s.further) > 0 {
			x := s.further[0]
			s.further = s.further[1:]
			return x
		}
		if x := s.hello(); x != nil {
			return x
		}
		s.some.Wait()
	}
	return nil
}

// hello begins the next handshake, or else returns what may make room for one; nil: there
// is nothing to do. The caller holds the lock.
func (s *shaker) hello() *step {
	for s.hellos.n > 0 {
		if s.open.Len() >= maxHandshakes {
			return s.dawdler()
		}
		x := s.hellos.take()
		if x.hands.gone.Load() {
			x.hands.with.Close() // nobody else will
			continue
		}
		o := &opened{hello: x, busy: true}
		o.place = s.open.PushBack(o)
		x.hands.open = o
		return x
	}
	return nil
}

// dawdler returns a handshake that gives way: the miner that has left its last answer
// unanswered for longest, unless that is too short. The caller holds the lock.
func (s *shaker) dawdler() *step {
	o := s.open.Front().Value.(*opened)
	if o.busy || time.Since(s.since)-o.at < handshakePatience {
		return nil
	}
	s.drop(o.hello.hands)
	return &step{cookie: o.hello.cookie, hands: o.hello.hands, late: true}
}

// hellos are those that wait: a line for each address, served in turn.
type hellos struct {
	by    map[netip.Addr][]*step
	order []netip.Addr // with a line; the next first
	n     int
}

func (h *hellos) put(x *step) {
	line := h.by[x.from]
	if len(line) == 0 {
		h.order = append(h.order, x.from)
	}
	h.by[x.from] = append(line, x)
	h.n++
}

// take returns the next one; there must be one.
func (h *hellos) take() *step {
	from := h.order[0]
	h.order = h.order[1:]
	line := h.by[from]
	x := line[0]
	if line[0] = nil; len(line) > 1 {
		h.by[from] = line[1:]
		h.order = append(h.order, from)
	} else {
		delete(h.by, from)
	}
	h.n--
	return x
}
