package netloop

import "farmproxy/upstream"

// turns is a bounded queue of shares that miners share fairly. Each connection has its
// own line, and lines are served in turn, one share at a time: a connection that sends
// thousands delays only itself. When the queue is full, the longest line gives up its
// last share for one of a shorter line, so that a flood never keeps out a miner that
// sends a few. A share for a line as long as any other is refused.
//
// A connection that carries many miners (an agent, another proxy) has one line: its
// share of the queue is what the others leave.
//
// It is plain data, guarded by its owner.
type turns struct {
	max   int
	n     int // shares in all lines
	lines map[upstream.Cookie]*line
	next  *line   // the line served next; the lines form a ring
	spare []*line // empty ones, with their memory
}

// line is one connection's waiting shares, the oldest first.
type line struct {
	of         upstream.Cookie
	list       []hashed
	head       int
	ahead, aft *line
}

func (l *line) len() int { return len(l.list) - l.head }

func newTurns(max int) turns { return turns{max: max, lines: make(map[upstream.Cookie]*line)} }

// put queues h. If another share gave way for it, that share is returned and gaveWay
// is true; ok is false if h itself is refused.
func (t *turns) put(h *hashed) (refused hashed, gaveWay, ok bool) {
	own := t.lines[h.cookie]
	if t.n == t.max {
		longest := t.longest()
		if own != nil && longest.len() <= own.len() || longest.len() == 1 {
			return refused, false, false
		}
		refused, gaveWay = t.dropLast(longest), true
	}
	if own == nil {
		own = t.open(h.cookie)
	}
	if own.head > 0 && len(own.list) == cap(own.list) {
		own.list = own.list[:copy(own.list, own.list[own.head:])]
		own.head = 0
	}
	own.list = append(own.list, *h)
	t.n++
	return refused, gaveWay, true
}

// take returns the next share; false if none waits.
func (t *turns) take() (h hashed, ok bool) {
	l := t.next
	if l == nil {
		return h, false
	}
	t.next = l.aft
	h = l.list[l.head]
	l.list[l.head] = hashed{}
	l.head++
	t.n--
	if l.len() == 0 {
		t.close(l)
	}
	return h, true
}

// longest returns the longest line. It checks all of them, which takes some
// microseconds with hundreds, and is called only when the queue is full.
func (t *turns) longest() *line {
	most := t.next
	for l := t.next.aft; l != t.next; l = l.aft {
		if l.len() > most.len() {
			most = l
		}
	}
	return most
}

// dropLast removes the newest share of a line with more than one.
func (t *turns) dropLast(l *line) hashed {
	last := len(l.list) - 1
	h := l.list[last]
	l.list[last] = hashed{}
	l.list = l.list[:last]
	t.n--
	return h
}

// open adds a line for a connection, behind all others.
func (t *turns) open(of upstream.Cookie) *line {
	var l *line
	if n := len(t.spare); n > 0 {
		l = t.spare[n-1]
		t.spare = t.spare[:n-1]
	} else {
		l = new(line)
	}
	l.of = of
	t.lines[of] = l
	if t.next == nil {
		l.ahead, l.aft = l, l
		t.next = l
		return l
	}
	l.aft, l.ahead = t.next, t.next.ahead
	l.ahead.aft, l.aft.ahead = l, l
	return l
}

// close removes an empty line from the ring.
func (t *turns) close(l *line) {
	delete(t.lines, l.of)
	if l.aft == l {
		t.next = nil
	} else {
		l.ahead.aft, l.aft.ahead = l.aft, l.ahead
		if t.next == l {
			t.next = l.aft
		}
	}
	l.ahead, l.aft, l.list, l.head = nil, nil, l.list[:0], 0
	if cap(l.list) <= keptLine && len(t.spare) < maxSpareLines {
		t.spare = append(t.spare, l)
	}
}
