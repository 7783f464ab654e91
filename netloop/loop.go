package netloop

import (
	"context"
	"time"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

// loop is one event loop: its peers and everything that they share. All
// methods but those of mailbox are for the loop itself.
type loop struct {
	server  *Server
	index   int
	gnet    gnet.EventLoop
	counts  *stats.Loop
	mailbox mailbox

	env     session.Env
	wall    time.Time // the same instant as env.Now, for what people read
	decoder *codec.Decoder
	request codec.Request
	carries carries
	out     []byte // bytes for one miner, written at once

	slots  []slot
	free   []uint32
	feeds  map[*upstream.Lane]*feed
	agents map[string]string
	ticks  int
}

func newLoop(s *Server, index int, g gnet.EventLoop) *loop {
	l := &loop{
		server:  s,
		index:   index,
		gnet:    g,
		counts:  s.book.Loop(index),
		decoder: codec.NewDecoder(),
		feeds:   make(map[*upstream.Lane]*feed),
		agents:  make(map[string]string),
	}
	l.env.Terms = &s.terms
	l.mailbox.wake = func() bool { return g.Execute(context.Background(), l) == nil }
	return l
}

// Run collects the mail; gnet calls it on the loop.
func (l *loop) Run(context.Context) error {
	l.clock()
	m := l.mailbox.collect()
	for i := range m.verdicts {
		l.verdict(&m.verdicts[i])
	}
	for i := range m.posts {
		l.post(&m.posts[i])
	}
	for _, call := range m.calls {
		call()
	}
	if m.tick {
		l.tick()
	}
	l.fanOut()
	return nil
}

// clock sets the time that everything until the next call happens at.
func (l *loop) clock() {
	l.wall = time.Now()
	l.env.Now = l.wall.Sub(l.server.started)
}

// add gives a connection its peer.
func (l *loop) add(c gnet.Conn) {
	var at uint32
	if n := len(l.free); n > 0 {
		at = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		at = uint32(len(l.slots))
		l.slots = append(l.slots, slot{})
	}
	p := &peer{conn: c, slot: at}
	p.session.Opened = l.env.Now
	l.slots[at].peer = p
	c.SetContext(p)
	l.counts.Miners.Add(1)
}

// remove is called when the connection is closed, by whomever.
func (l *loop) remove(p *peer) {
	p.conn = nil
	p.lines.drop(&l.carries)
	var last *upstream.Lane
	if p.feed != nil {
		last = p.feed.lane
		p.feed.leave(p)
		last.Leave()
	}
	s := &l.slots[p.slot]
	s.peer = nil
	s.generation++
	l.free = append(l.free, p.slot)
	l.counts.Miners.Add(-1)
	l.counts.Closed[p.reason].Add(1)
	if p.session.IsAuthorized() {
		l.counts.Authorized.Add(-1)
		p.session.Workers(func(w session.Worker) { books(w).Disconnected(l.wall) })
	}
	if p.session.IsSubscribed() {
		l.counts.Subscribed.Add(-1)
		l.server.parked.park(p, last, l.env.Now)
	}
}

// find returns the peer that a cookie names; nil when it is gone.
func (l *loop) find(c upstream.Cookie) *peer {
	_, generation, at := splitCookie(c)
	if int(at) >= len(l.slots) || l.slots[at].generation != generation {
		return nil
	}
	return l.slots[at].peer
}

// feed returns the loop's view on a lane.
func (l *loop) feed(lane *upstream.Lane) *feed {
	f := l.feeds[lane]
	if f == nil {
		f = &feed{lane: lane, sent: l.env.Now}
		l.feeds[lane] = f
		latest := lane.Latest()
		f.Post(latest.Job, false, latest.Mask, latest.Difficulty)
	}
	return f
}

// read takes what a miner sent. It returns gnet.Close when that was the last.
func (l *loop) read(p *peer, data []byte) gnet.Action {
	l.counts.BytesIn.Add(uint64(len(data)))
	out := l.out[:0]
	for len(data) > 0 {
		line, rest, reason, ok := p.lines.next(data, &l.carries)
		if !ok {
			return l.hangup(p, reason, out)
		}
		data = rest
		if len(line) == 0 {
			continue
		}
		var effect session.Effect
		if out, effect = l.line(p, line, out); effect.Kind == session.Hangup {
			return l.hangup(p, effect.Reason, out)
		}
	}
	l.out = out
	if !l.write(p, out) {
		return gnet.Close
	}
	return gnet.None
}

// hangup is how read closes: what was answered so far is written first.
func (l *loop) hangup(p *peer, reason session.Reason, out []byte) gnet.Action {
	l.out = out
	if l.write(p, out) {
		p.reason = reason
	}
	return gnet.Close
}

// line decodes one line and does what it asks for.
func (l *loop) line(p *peer, line []byte, out []byte) ([]byte, session.Effect) {
	l.counts.Messages.Add(1)
	l.see(p)
	if err := l.decoder.DecodeRequest(line, &l.request); err != nil {
		l.counts.Malformed.Add(1)
		return p.session.Malformed(&l.env, err.(*codec.Error), out)
	}
	out, effect := p.session.Step(&l.env, &l.request, out)
	worked := p.session.IsWorking()
	switch effect.Kind {
	case session.WantSubscribe:
		out, effect = l.subscribe(p, &effect, out)
	case session.WantAuthorize:
		out = l.authorize(p, effect.Login, out)
	case session.Judged:
		l.judged(effect.Worker, effect.Verdict, effect.Difficulty)
	case session.Forward:
		out = l.forward(p, &effect, out)
	}
	if !worked && p.session.IsWorking() {
		l.counts.Notifies.Add(1) // its first job, in the same write as the answer
	}
	return out, effect
}

// see makes the Env that of the peer's lane.
func (l *loop) see(p *peer) {
	l.env.Feed = nil
	if p.feed != nil {
		l.env.Feed = &p.feed.Feed
	} else {
		l.env.Mask = l.server.directory.Mask()
	}
}

// subscribe gives a miner its prefix: the one of the session that it resumes,
// or a new one.
func (l *loop) subscribe(p *peer, e *session.Effect, out []byte) ([]byte, session.Effect) {
	p.agent = l.intern(e.Agent)
	if parked, prefix, ok := l.server.parked.resume(e.Resume); ok {
		p.prefix = prefix
		l.enter(p)
		l.counts.Resumed.Add(1)
		return p.session.Resume(&l.env, &l.request, &parked, out), session.Effect{}
	}
	length, extranonce2 := l.server.directory.Shape()
	prefix, ok := l.server.directory.Prefixes().Take(length)
	if !ok {
		return out, session.Effect{Kind: session.Hangup, Reason: session.Full}
	}
	p.prefix = prefix
	l.enter(p)
	var bytes [2]byte
	return p.session.Subscribed(&l.env, &l.request, l.server.newSessionID(), prefix.Append(bytes[:0]), extranonce2, out), session.Effect{}
}

// enter makes the peer a member of its lane's feed.
func (l *loop) enter(p *peer) {
	l.feed(l.server.route.Join(p.prefix)).join(p)
	l.counts.Subscribed.Add(1)
	l.see(p)
}

// authorize books the miner under its worker's name.
func (l *loop) authorize(p *peer, login string, out []byte) []byte {
	if !p.session.IsAuthorized() {
		l.counts.Authorized.Add(1)
	}
	w := l.server.book.Worker(login)
	w.Connected(l.wall, p.conn.RemoteAddr().String(), p.agent)
	out = p.session.Authorized(&l.env, &l.request, named(w, login), w.Difficulty(), out)
	if d := p.session.Difficulty(); d > 0 {
		w.SetDifficulty(d)
	}
	return out
}

// forward hands a share to the lane.
func (l *loop) forward(p *peer, e *session.Effect, out []byte) []byte {
	share := upstream.Share{
		Cookie:      makeCookie(l.index, l.slots[p.slot].generation, p.slot),
		ID:          l.request.ID,
		Worker:      books(e.Worker),
		Job:         e.Share.Job,
		Prefix:      p.prefix,
		Extranonce2: upstream.MakeExtranonce2(e.Share.Extranonce2),
		Version:     e.Share.Version,
		NTime:       e.Share.NTime,
		Nonce:       e.Share.Nonce,
		Difficulty:  e.Difficulty,
		Block:       e.Share.Block,
		Answered:    e.Share.Answered,
	}
	if p.feed.lane.Submit(share) {
		return out
	}
	v := work.Overloaded
	l.judged(e.Worker, v, e.Difficulty)
	if share.Answered {
		return out
	}
	return p.session.Verdict(&l.request.ID, v, v.Code(), v.Text(), out)
}

// judged counts a verdict.
func (l *loop) judged(w session.Worker, v work.Verdict, difficulty float64) {
	l.counts.Verdicts[v].Add(1)
	l.counts.Work[v].Add(difficulty)
	if w != nil {
		books(w).Share(l.wall, v, difficulty)
	}
}

// verdict returns the pool's verdict to the miner, if it is still there, and
// counts it in any case.
func (l *loop) verdict(v *upstream.Verdict) {
	l.judged(v.Worker, v.Verdict, v.Difficulty)
	p := l.find(v.Cookie)
	if p == nil || v.Answered {
		return
	}
	l.out = p.session.Verdict(&v.ID, v.Verdict, v.Code, v.Text, l.out[:0])
	l.write(p, l.out)
}

// write writes to a miner, unless it has too much to read already. It reports
// whether the miner is still there.
func (l *loop) write(p *peer, out []byte) bool {
	if p.conn == nil {
		return false
	}
	if len(out) == 0 {
		return true
	}
	if p.conn.OutboundBuffered()+len(out) > maxOutbound {
		l.close(p, session.TooSlow)
		return false
	}
	if _, err := p.conn.Write(out); err != nil {
		return false // gnet has closed it and called OnClose
	}
	l.counts.BytesOut.Add(uint64(len(out)))
	return true
}

// close ends a connection; OnClose has been called when it returns.
func (l *loop) close(p *peer, reason session.Reason) {
	if p.conn == nil {
		return
	}
	p.reason = reason
	_ = l.gnet.Close(p.conn) // an error is about a descriptor that is gone anyway
}

// intern keeps one copy of each user agent: a farm has few.
func (l *loop) intern(agent []byte) string {
	if known, ok := l.agents[string(agent)]; ok {
		return known
	}
	clean := codec.CleanText(agent, maxAgent)
	if len(l.agents) < maxAgents {
		l.agents[string(agent)] = clean
	}
	return clean
}
