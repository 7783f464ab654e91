package stats

import (
	"sync"
	"time"

	"farmproxy/work"
)

const (
	// keptRefusals and keptConnections are how many of a worker's last rejected shares and
	// closed connections are kept: what one looks at when one asks what is wrong with it.
	keptRefusals    = 8
	keptConnections = 4

	// maxLately bounds for how many workers anything is kept, to 5 MB. Of a farm without
	// trouble it is a few.
	maxLately = 16_384
)

// lately is what happened to workers that counters do not tell. It is kept apart from them,
// since most of them never have any of it.
type lately struct {
	mu sync.Mutex // may be taken under a worker's
	of map[*Worker]*happened
}

// happened are rings: the next entry's place is its number modulo their length.
type happened struct {
	refused     [keptRefusals]refusal
	connections [keptConnections]connection
	refusals    uint32 // ever
	closed      uint32 // ever
}

type refusal struct {
	at         stamp
	difficulty difficulty
	verdict    work.Verdict
}

type connection struct {
	until   stamp
	address addr
	reason  uint8
}

// get returns what happened to a worker. The caller holds mu.
func (l *lately) get(w *Worker) *happened {
	h := l.of[w]
	if h == nil {
		if l.of == nil {
			l.of = make(map[*Worker]*happened)
		}
		if len(l.of) >= maxLately {
			for another := range l.of {
				delete(l.of, another)
				break
			}
		}
		h = new(happened)
		l.of[w] = h
	}
	return h
}

func (l *lately) refuse(w *Worker, at stamp, v work.Verdict, d float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.get(w)
	h.refused[h.refusals%keptRefusals] = refusal{at, difficulty(d), v}
	h.refusals++
}

func (l *lately) close(w *Worker, at stamp, a addr, reason uint8) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.get(w)
	h.connections[h.closed%keptConnections] = connection{at, a, reason}
	h.closed++
}

func (l *lately) forget(w *Worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.of, w)
}

// Lately is what happened to a worker, the latest first, since this process has served.
type Lately struct {
	Refused []Refusal
	Closed  []Closed
}

// Refusal is a share that was rejected.
type Refusal struct {
	At         time.Time
	Verdict    work.Verdict
	Difficulty float64
}

// Closed is a connection that is over.
type Closed struct {
	At      time.Time
	Address string // "ip:port" of the worker's latest miner then; "" unknown
	Reason  string
}

// WorkerDetail returns a worker, and what happened to it; false: there is none of that name.
func (b *Book) WorkerDetail(name string) (info WorkerInfo, l Lately, known bool) {
	w, ok := b.workers.find(name)
	if !ok {
		return info, l, false
	}
	now := b.now()
	b.ledger.lately.mu.Lock()
	if h := b.ledger.lately.of[w]; h != nil {
		for i := h.refusals; i > 0 && h.refusals-i < keptRefusals; i-- {
			r := &h.refused[(i-1)%keptRefusals]
			l.Refused = append(l.Refused, Refusal{r.at.wall(now), r.verdict, r.difficulty.value()})
		}
		for i := h.closed; i > 0 && h.closed-i < keptConnections; i-- {
			c := &h.connections[(i-1)%keptConnections]
			reason := ""
			if int(c.reason) < len(b.options.CloseReasons) {
				reason = b.options.CloseReasons[c.reason]
			}
			l.Closed = append(l.Closed, Closed{c.until.wall(now), c.address.String(), reason})
		}
	}
	b.ledger.lately.mu.Unlock()
	return w.info(now), l, true
}
