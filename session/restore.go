package session

import "time"

// Translation is how the process that reads a session understands what only the one that
// wrote it did.
type Translation struct {
	// Moment is the one that times count from, as Env.Now of the process that reads: it
	// may lie before its start.
	Moment time.Duration

	// Jobs are the ids of jobs here, by their ids there; one that is missing can't be
	// answered any more. A miner names jobs by their ids, so that one with another id is
	// known to an agent's miner only. nil: they have the same ids.
	Jobs map[uint32]uint32

	// Lanes are the lanes here, by their ids there; none of the jobs of one that is missing
	// can be answered any more. nil: they are the same.
	Lanes map[uint32]Renumbered
}

// Renumbered is a lane that has another id, and numbers its works higher by so much.
type Renumbered struct{ Lane, Higher uint32 }

func (t *Translation) job(id *uint32) {
	if t.Jobs != nil {
		*id = t.Jobs[*id]
	}
}

func (t *Translation) state(s *State) {
	s.move(t.Moment)
	for i := range s.posted {
		t.job(&s.posted[i].job)
	}
	t.job(&s.swept)
}

func (t *Translation) headers(h *headers) {
	if t.Lanes == nil || h.lane == 0 {
		return
	}
	now, ok := t.Lanes[h.lane]
	if !ok {
		*h = headers{}
		return
	}
	h.lane = now.Lane
	h.renumber(now.Higher)
}

func (t *Translation) memory(m *Headers) {
	t.headers(&m.headers)
	if m.left == nil || t.Lanes == nil {
		return
	}
	old := m.left
	m.left = &left{lost: old.lost}
	for _, h := range old.lanes {
		if t.headers(&h); h.lane != 0 {
			m.left.lanes = append(m.left.lanes, h)
		}
	}
}

// Restore makes a session of what one has handed out. It takes the headers over.
func Restore(s State, names []Name, h Headers, t *Translation) Session {
	x := Session{state: s, memory: h}
	t.state(&x.state)
	t.memory(&x.memory)
	for i, name := range names {
		if i == 0 {
			x.name = name.Said
		} else {
			x.add(name.Said)
		}
	}
	return x
}

// Append writes a whole session out. Its times count from moment, which is as Env.Now;
// booked returns what a name is booked as.
func (s *Session) Append(dst []byte, moment time.Duration, booked func(said string) string) []byte {
	x := s.State(moment)
	c := cursor{data: dst}
	x.layout(&c)
	var names []Name
	if s.name != "" {
		names = append(names, Name{s.name, booked(s.name)})
	}
	for _, said := range s.rest() {
		names = append(names, Name{said, booked(said)})
	}
	layoutNames(&c, names)
	s.memory.layout(&c)
	return c.data
}

// Decode reads what Append wrote, and returns what follows it. The names are in the
// order of the session's workers.
func Decode(data []byte, t *Translation) (s Session, names []Name, rest []byte, err error) {
	c := cursor{data: data, reading: true}
	var x State
	var h Headers
	x.layout(&c)
	names = layoutNames(&c, nil)
	h.layout(&c)
	if c.err != nil {
		return s, nil, nil, c.err
	}
	return Restore(x, names, h, t), names, c.data, nil
}
