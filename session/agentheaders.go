package session

// gone holds the headers of miners that the agent has unregistered: a miner that
// registers again under the same session id gets them back.
type gone struct {
	headers map[uint16]headers // by session id
	from    uint32             // works with lower numbers may belong to a miner that was dropped from headers
	swept   uint32             // the job (work.Job.ID) of the last sweep
}

// left keeps the headers of an unregistered miner. It returns the number of slots
// freed.
func (g *gone) left(sid uint16, h headers) (slots int) {
	if h.used == 0 {
		g.from = max(g.from, h.from)
		return int(h.size)
	}
	if g.headers == nil {
		g.headers = make(map[uint16]headers)
	}
	g.headers[sid] = h
	return 0
}

// back returns the headers to the miner that registers again.
func (g *gone) back(sid uint16) headers {
	if h, ok := g.headers[sid]; ok {
		delete(g.headers, sid)
		return h
	}
	return headers{from: g.from}
}

// sweep drops headers whose work nobody can answer any more, once per job. It returns
// the number of slots freed.
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
		slots += int(h.size)
		delete(g.headers, sid)
	}
	return slots
}
