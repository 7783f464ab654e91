package proxy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"farmproxy/balance"
	"farmproxy/history"
	"farmproxy/plain"
	"farmproxy/upstream"
)

const (
	// sameAgain is how long a movement is summed up that goes on, such as time slices of
	// a big miner or a pool that comes and goes, before there is another event of it.
	sameAgain = 10 * time.Minute

	// maxMovements bounds the movements that are told apart at a time, and the events of
	// one kind in an hour; what is beyond them is one more event in the hour. Both kinds
	// write 134,000 events in 90 days at most, so they leave others most of the room.
	maxMovements = 30
)

// movement is that miners work elsewhere now than before: at another goal of their route,
// or at another pool.
type movement struct {
	subject  string // of the event
	from, to string
	why      string // for people

	miners  int
	worker  string // of a single miner, if it is known
	trouble string // more of why; "": there is no more to say
}

// sort returns what a movement has in common with those that it is summed up with.
func (m movement) sort() movement {
	m.miners, m.worker, m.trouble = 0, "", ""
	return m
}

// movements sums movements up, until the history asks for them: an event for each of ten
// thousand miners would say no more.
type movements struct {
	kind string                   // of their events
	text func(m *movement) string // what an event says of so many miners
	mu   sync.Mutex
	list map[movement]*summed // by their sort
	left int                  // miners that no event is for
	hour time.Time            // when the hour began in which events are counted; zero: not yet
	told int                  // in that
}

// summed are movements of a sort, since the last event.
type summed struct {
	movement           // the last of them, and the miners of all
	begun    time.Time // the first of them
	ended    time.Time // the last of them
	told     time.Time // the last event; zero: there was none yet
}

func newMovements(kind string, text func(*movement) string) *movements {
	return &movements{kind: kind, text: text, list: make(map[movement]*summed)}
}

// add takes note of a movement. It waits for nothing. Any goroutine but an event loop.
func (m *movements) add(x movement, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.list[x.sort()]
	if s == nil {
		if len(m.list) >= maxMovements {
			m.left += x.miners
			return
		}
		s = new(summed)
		m.list[x.sort()] = s
	}
	if s.miners == 0 {
		s.begun = now
	}
	x.miners += s.miners
	s.movement, s.ended = x, now
}

// events returns those that are due; all: also those that would be summed up for longer.
func (m *movements) events(now time.Time, all bool) (list []history.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hour.IsZero() {
		m.hour = now
	}
	over := now.Sub(m.hour) >= time.Hour
	if over {
		m.hour, m.told = now, 0
	}
	for _, s := range m.due(now, all) {
		if m.told < maxMovements {
			list = append(list, history.Event{At: s.ended, Kind: m.kind, Subject: s.subject, Text: m.text(&s.movement) + s.during()})
			m.told++
		} else {
			m.left += s.miners
		}
		s.miners, s.told = 0, now
	}
	if m.left > 0 && (over || all) {
		left := history.Event{At: now, Kind: m.kind, Text: plain.Several(m.left, "more miner") + ": too many changes to list each"}
		list, m.left = slices.Insert(list, 0, left), 0
	}
	return list
}

// due returns what there is to tell, that of most miners first, and forgets what is over.
// The caller has mu.
func (m *movements) due(now time.Time, all bool) (list []*summed) {
	for sort, s := range m.list {
		recent := !s.told.IsZero() && now.Sub(s.told) < sameAgain
		switch {
		case s.miners > 0 && (all || !recent):
			list = append(list, s)
		case s.miners == 0 && !recent:
			delete(m.list, sort)
		}
	}
	slices.SortFunc(list, func(a, b *summed) int {
		return cmp.Or(b.miners-a.miners, strings.Compare(a.subject, b.subject), strings.Compare(a.from+a.to, b.from+b.to))
	})
	return list
}

// during says how long a movement took, if that was longer than from one look to the next.
func (s *summed) during() string {
	if d := s.ended.Sub(s.begun); d > lookEvery {
		return " (in " + plain.Age(d) + ")"
	}
	return ""
}

// who says which miners move.
func (m *movement) who() string {
	if m.miners == 1 && m.worker != "" {
		return m.worker
	}
	return plain.Several(m.miners, "miner")
}

// movedGoal is the movement of a move between goals, which a balance has made.
func movedGoal(o *splitMove) movement {
	to := o.To.Name()
	why := "to keep the split"
	switch o.why {
	case balance.Closed:
		why = o.from + " gets no work now"
	case balance.Pinned:
		why = "pinned to " + to
	}
	return movement{subject: o.route.name, from: o.from, to: to, why: why, miners: 1, worker: o.worker}
}

// movedText says that miners have another goal.
func movedText(m *movement) string {
	return fmt.Sprintf("%s moved from %s to %s: %s", m.who(), m.from, m.to, m.why)
}

// changedPool is the movement of a change of pool. The subject is the one that is left.
func changedPool(c *upstream.PoolChange) movement {
	m := movement{subject: c.From, from: c.From, to: c.To, miners: c.Miners, worker: c.Worker}
	switch c.Why {
	case upstream.LinkLost:
		m.why, m.trouble = "the link to "+c.From+" was lost", c.Trouble
	case upstream.PoolIll:
		m.why = c.From + " is silent, or refuses too many shares"
	case upstream.BetterIsBack:
		m.why = c.To + " is preferred, and back"
	case upstream.PoolOrdered:
		m.why = c.From + " is drained or disabled"
	case upstream.PoolTakenOut:
		m.why = c.From + " is not among their pools any more"
	}
	return m
}

// changedPoolText says that miners have another pool.
func changedPoolText(m *movement) string {
	work := "work"
	if m.miners == 1 {
		work = "works"
	}
	text := fmt.Sprintf("%s %s at %s now: %s", m.who(), work, m.to, m.why)
	if m.trouble != "" {
		text += ", " + m.trouble
	}
	return text
}
