package netloop

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// loop is one event loop: its peers and everything that they share. All methods except
// the mailbox's are for the loop itself.
type loop struct {
	server  *Server
	index   int
	gnet    gnet.EventLoop
	counts  *stats.Loop
	mailbox mailbox

	env     session.Env
	wall    time.Time // the same instant as env.Now, for display
	decoder *codec.Decoder
	request codec.Request
	halves  halves
	out     []byte // bytes for one miner, written at once
	toPool  []byte // bytes for one pool, written at once
	heard   []byte // bytes of one pool, see hear; nil: it was not needed yet

	wrapped []byte // out, as encoded by a transport

	gathered       gathered
	answered       []*peer   // agents with unwritten answers
	unservedLogged time.Time // when the log last said that a pool can't serve agents

	slots      []slot
	free       []uint32
	feeds      map[*upstream.Lane]*feed
	userAgents map[string]*string
	ticks      int

	wires   []*wire // the links that it carries
	lagging laggards
	volley  volley

	bells   [2]atomic.Pointer[bell] // nil: not yet
	rung    atomic.Uint32           // how often
	handed  int                     // shares handed to lanes in this turn
	stalled bool                    // a link of this loop has more to write than its pool reads
	crowded bool                    // miners connected in this turn
	rhythm  rhythm
	flying  int    // shares without a verdict on the links that it carries
	written int    // the same when some were last written
	trials  trials // of waiting for their verdicts, see awaited
	doze    doze

	hashing  int      // shares of this loop at the hasher
	stopping bool     // its miners are leaving, see CloseMiners
	leaving  *leaving // who leaves, see LetGo; nil: nobody

	split  []splitMiner // by slot; empty without a split route
	moving []*moving    // the first is under way

	homeless []*peer // inherited, with an account that is gone: see heir
}

func newLoop(s *Server, index int, g gnet.EventLoop) *loop {
	l := &loop{
		server:     s,
		index:      index,
		gnet:       g,
		counts:     s.book.Loop(index),
		decoder:    codec.NewDecoder(),
		feeds:      make(map[*upstream.Lane]*feed),
		userAgents: make(map[string]*string),
	}
	l.lagging.max = maxOutgoing / max(1, s.loopCount)
	l.mailbox.wake = l.wake
	return l
}

// wake makes the loop collect its mail: at once if it waits for that, and otherwise at the end
// of a turn, when it has handled everything that is ready; false: the loop is gone. Any
// goroutine may call it, for the mailbox.
func (l *loop) wake() bool {
	if l.doze.end() {
		return true
	}
	if b := l.bells[l.rung.Add(1)%2].Load(); b != nil {
		return b.ring()
	}
	return l.gnet.Execute(context.Background(), l) == nil
}

// clock sets the time and the terms that hold until its next call.
func (l *loop) clock() {
	l.env.Terms = &l.server.settings.Load().Terms
	l.wall = time.Now()
	l.env.Now = l.wall.Sub(l.server.started)
}

// add makes the peer of a connection.
func (l *loop) add(c gnet.Conn, from *listener) *peer {
	var at uint32
	if n := len(l.free); n > 0 {
		at = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		at = uint32(len(l.slots))
		l.slots = append(l.slots, slot{})
	}
	p := &peer{conn: c, fd: noSocket, slot: at, remote: makeAddress(addrPort(c.RemoteAddr())), listener: from}
	p.session.Open(l.env.Now)
	if t := l.newTally(); t != nil {
		p.more().tally = t
	}
	if from.Transport != nil {
		p.more().transport = l.wrapping(p, from.Transport)
	}
	p.dialect = l.recognise(p, nil)
	l.slots[at].peer = p
	c.SetContext(p)
	l.counts.Miners.Add(1)
	return p
}

// remove is called when the connection has closed, whoever closed it.
func (l *loop) remove(p *peer) {
	if rest := p.unsent(); len(rest) > 0 && p.conn != nil {
		_, _ = p.send(rest) // it may say why
	}
	if p.is(inherited) && p.conn != nil && !l.server.inherited.waits.Load() {
		hangUp(p.fd)
	}
	p.conn = nil
	l.judge() // its shares may be among those gathered
	p.dialect.left(l, p)
	if t := p.transport(); t != nil {
		l.unwrapped(t)
	}
	p.books().Close(l.wall)
	l.unsplit(p)
	s := &l.slots[p.slot]
	s.peer = nil
	s.generation++
	l.free = append(l.free, p.slot)
	l.counts.Closed[p.reason].Add(1)
	l.tellLeft(p)
	l.untrace(p)
}

// find returns the peer that a cookie names; nil when it is gone.
func (l *loop) find(c upstream.Cookie) *peer {
	_, generation, at := splitCookie(c)
	if int(at) >= len(l.slots) || l.slots[at].generation != generation {
		return nil
	}
	return l.slots[at].peer
}

// feed returns the loop's view of a lane. A new one shows what the lane has published
// lately: a miner that comes back may answer jobs that it had on another loop, or from
// another process.
func (l *loop) feed(lane *upstream.Lane) *feed {
	f := l.feeds[lane]
	if f == nil {
		f = newFeed(lane, l.env.Now)
		l.feeds[lane] = f
		latest := lane.Latest()
		for _, r := range lane.Recent(nil) {
			f.take(&upstream.Post{Lane: lane, Job: r.Job, Clean: r.Clean, Mask: latest.Mask, Difficulty: latest.Difficulty, Least: latest.Least})
		}
		latest.Clean = false
		f.take(&latest)
	}
	return f
}

// read handles bytes from a miner. It returns gnet.Close if the connection must end.
func (l *loop) read(p *peer, data []byte) gnet.Action {
	l.counts.BytesIn.Add(uint64(len(data)))
	if t := p.tally(); t != nil {
		t.in += uint64(len(data))
	}
	if !p.is(checked) {
		var reason session.Reason
		var ok bool
		behind := p.listener.proxyRule(p.remote.Addr()) != proxyRefused
		if data, reason, ok = l.open(p, data); ok && p.is(checked) && behind {
			reason, ok = l.admitted(p)
		}
		if !ok {
			p.reason = reason
			return gnet.Close
		}
	}
	if p.transport() != nil {
		return l.unwrap(p, data)
	}
	return l.messages(p, data)
}

// messages passes a peer's bytes to its dialect. It returns gnet.Close if the
// connection must end.
func (l *loop) messages(p *peer, data []byte) gnet.Action {
	out := l.out[:0]
	for len(data) > 0 {
		var effect session.Effect
		if data, out, effect = p.dialect.next(l, p, data, out); effect.Kind == session.Hangup {
			return l.hangup(p, effect.Reason, out)
		}
	}
	l.out = out
	if !l.write(p, out) {
		return gnet.Close
	}
	return gnet.None
}

// hangup ends read: it first writes the answers so far, those to gathered shares too.
func (l *loop) hangup(p *peer, reason session.Reason, out []byte) gnet.Action {
	l.out = out
	l.judge()
	if l.write(p, out) {
		p.reason = reason
	}
	return gnet.Close
}

// setEnv sets Env to the peer's lane.
func (l *loop) setEnv(p *peer) {
	l.env.Feed, l.env.Left = nil, nil
	if p.feed == nil {
		l.env.Mask = l.server.directory.Mask(l.route(p))
		return
	}
	l.env.Feed = &p.feed.Feed
	if p.feed.split {
		if left := l.leftFeed(p); left != nil {
			l.env.Left = &left.Feed
		}
	}
}

// write writes to a miner, unless it already has too much to read. It reports whether
// the miner is still connected.
func (l *loop) write(p *peer, out []byte) bool {
	if p.conn == nil {
		return false
	}
	if len(out) == 0 {
		return true
	}
	p.tap().Add(l.wall, true, out)
	if t := p.transport(); t != nil {
		if t.hands != nil {
			return true // unreadable before the end of the handshake
		}
		var ok bool
		if out, ok = l.wrap(p, out); !ok {
			return false
		}
	}
	return l.transmit(p, out)
}

// transmit writes raw bytes to the socket.
func (l *loop) transmit(p *peer, out []byte) bool {
	if p.is(loaded) {
		l.fire()
	}
	left, ok := 0, true
	if p.is(lagging) {
		before := len(p.unsent())
		if left, ok = l.sendOn(p); !ok {
			return false
		}
		l.lagging.change(p, before, left)
	}
	sent := 0
	if left == 0 {
		if l.load(p, out) {
			return true
		}
		var err error
		if sent, err = p.send(out); err != nil {
			l.close(p, session.MinerLeft)
			return false
		}
	}
	reason, ok := l.wrote(p, out, sent)
	if !ok {
		l.close(p, reason)
	}
	return ok
}

// wrote books bytes for a miner, of which the kernel took the first few, and keeps the
// rest. If it can't, the miner is to be closed for that reason.
func (l *loop) wrote(p *peer, out []byte, taken int) (reason session.Reason, ok bool) {
	if taken < len(out) && !l.keep(p, out[taken:]) {
		return session.TooSlow, false
	}
	l.counts.BytesOut.Add(uint64(len(out)))
	if t := p.tally(); t != nil {
		t.out += uint64(len(out))
	}
	return 0, true
}

// close ends a connection; OnClose has been called when it returns.
func (l *loop) close(p *peer, reason session.Reason) {
	if p.conn == nil {
		return
	}
	if p.is(loaded) {
		l.fire()
	}
	p.reason = reason
	_ = l.gnet.Close(p.conn) // an error means that the descriptor is gone anyway
}

// intern keeps one copy of each user agent: a farm has few.
func (l *loop) intern(agent []byte) *string {
	if known, ok := l.userAgents[string(agent)]; ok {
		return known
	}
	clean := codec.CleanText(agent, maxUserAgent)
	if len(l.userAgents) < maxUserAgents {
		l.userAgents[string(agent)] = &clean
	}
	return &clean
}
