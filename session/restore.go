package session

import "time"

// Translation maps what only the encoding process understood to terms of the decoding
// one.
type Translation struct {
	// Moment is the origin of the encoded times, as Env.Now of the decoding process:
	// it may lie before that process's start.
	Moment time.Duration

	// Jobs maps the job ids of the encoding process to ours; a job that is missing
	// can't be answered any more. A miner refers to jobs by their ids, so only an
	// agent's miner recognises a job under a new id. nil: the ids are the same.
	Jobs map[uint32]uint32

	// Lanes maps the lane ids of the encoding process to our lanes; no job of a
	// missing lane can be answered any more. nil: they are the same.
	Lanes map[uint32]Renumbered
}

// Renumbered is a lane's new id, and how much higher its works are numbered.
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

// Restore builds a session from the parts of another. It takes ownership of the
// headers.
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

// Append encodes a whole session. Its times count from origin, given like Env.Now;
// booked returns the name under which a worker is booked.
func (s *Session) Append(dst []byte, origin time.Duration, booked func(said string) string) []byte {
	x := s.State(origin)
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

// Decode decodes what Append encoded, and returns the rest of data. The names are in
// the order of the session's workers.
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
