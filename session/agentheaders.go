package session

// gone is what an agent's miners had handed in that it has unregistered: a miner
// registered again under the same session id finds the same headers.
type gone struct {
	headers map[uint16]headers // by session id
	from    uint32             // works with lower numbers may be those of a miner that was dropped from it
	swept   uint32             // the job (work.Job.ID) at which that was last done
}

// left keeps what an unregistered miner has handed in. It returns how many slots
// that gives back.
func (g *gone) left(sid uint16, h headers) (slots int) {
	if h.used == 0 {
		g.from = max(g.from, h.from)
		return len(h.slots)
	}
	if g.headers == nil {
		g.headers = make(map[uint16]headers)
	}
	g.headers[sid] = h
	return 0
}

// back returns it to the miner that is registered now.
func (g *gone) back(sid uint16) headers {
	if h, ok := g.headers[sid]; ok {
		delete(g.headers, sid)
		return h
	}
	return headers{from: g.from}
}

// sweep drops what nobody can answer any more, once for each job. It returns how
// many slots that gives back.
func (g *gone) sweep(f *Feed) (slots int) {
	if len(g.headers) == 0 || g.swept == f.last.ID {
		return 0
	}
	g.swept = f.last.ID
	oldest := f.last.Work
	for i, j := range f.jobs {
		if j != nil && !f.late(i) {
			oldest = min(oldest, j.Work)
		}
	}
	for sid, h := range g.headers {
		if h.sweep(oldest); h.used > 0 {
			g.headers[sid] = h
			continue
		}
		g.from = max(g.from, h.from)
		slots += len(h.slots)
		delete(g.headers, sid)
	}
	return slots
}
