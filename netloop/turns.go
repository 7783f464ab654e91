package netloop

import "farmproxy/upstream"

// turns is a bounded queue of shares that miners share fairly. Each connection has
// a line of its own, and each line is served one share at a time, in turn: whoever
// hands in thousands holds up itself. When the queue is full the longest line gives
// up its last share for one of a shorter line, so that a flood never keeps out a
// miner that hands in a few. Lines that are as long as any are refused.
//
// A connection that carries many miners (an agent, another proxy) has one line: what
// the others leave is its own.
//
// It is plain data: its owner guards it.
type turns struct {
	max   int
	n     int // shares in all lines
	lines map[upstream.Cookie]*line
	next  *line   // the line that is served next; the lines are a ring
	spare []*line // empty ones, with their memory
}

// line is what one connection has waiting, the oldest first.
type line struct {
	of         upstream.Cookie
	list       []hashed
	head       int
	ahead, aft *line
}

func (l *line) len() int { return len(l.list) - l.head }

func newTurns(max int) turns { return turns{max: max, lines: make(map[upstream.Cookie]*line)} }

// put queues h. Where that takes another's place, refused is the share that gave
// way, and gaveWay is true; ok is false when h itself is refused.
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

// take returns the share whose turn it is; false when none waits.
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

// longest returns the line that has most. It looks at all of them, which takes some
// microseconds where there are hundreds, and is called when the queue is full only.
func (t *turns) longest() *line {
	most := t.next
	for l := t.next.aft; l != t.next; l = l.aft {
		if l.len() > most.len() {
			most = l
		}
	}
	return most
}

// dropLast takes the newest share of a line of more than one.
func (t *turns) dropLast(l *line) hashed {
	last := len(l.list) - 1
	h := l.list[last]
	l.list[last] = hashed{}
	l.list = l.list[:last]
	t.n--
	return h
}

// open gives a connection a line, behind all others.
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

// close takes an empty line out of the ring.
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
