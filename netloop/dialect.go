package netloop

import (
	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/session"
	"farmproxy/upstream"
	"farmproxy/work"
)

// dialect is what differs between the protocols that miners speak: how bytes become
// messages, what those ask for, and what the loop's own events are to the peer. Each
// has a file of its own, which connects a state machine of package session with the
// loop. What a peer has of it beyond its session.Session is in the value itself.
//
// The loop calls it with Env.Feed set to the peer's lane, except for left.
type dialect interface {
	// next cuts one message off data and does what it asks for. It returns the rest
	// of data, and out with the answers. An effect other than Hangup asks for nothing
	// more.
	next(l *loop, p *peer, data, out []byte) (rest, answers []byte, effect session.Effect)

	// judge judges a share by its hash: the answer to WantHash.
	judge(l *loop, p *peer, c *session.Candidate, out []byte) ([]byte, session.Effect)

	// refuse answers a share that there is no room for.
	refuse(p *peer, id *codec.ID, v work.Verdict, out []byte) []byte

	// verdict takes the pool's verdict on a share, and answers the share unless it is
	// Answered. over says that the miner is to be closed: SharesRefused.
	verdict(l *loop, p *peer, v *upstream.Verdict) (over bool)

	// miner returns which miner of the connection a share is of: its prefix, and how
	// many of its shares have no verdict of the pool yet. The latter is valid until
	// the next call.
	miner(p *peer, share *codec.ID) (prefix uint16, waiting *uint16)

	// waits reports that a share has no verdict of the pool yet.
	waits(p *peer) bool

	// job sends the lane's last job, clean or not, and counts it; lastJob returns the
	// id of the one that was last sent, 0 before. adjust sends what changed without a
	// new job.
	job(l *loop, p *peer, clean bool, out []byte) ([]byte, session.Effect)
	lastJob(p *peer) uint32
	adjust(l *loop, p *peer, out []byte) []byte

	// tick is called every few seconds.
	tick(l *loop, p *peer, out []byte) ([]byte, session.Effect)

	// move brings the peer to another route, or closes it.
	move(l *loop, p *peer, to *upstream.Route)

	// left is called when the connection is closed: it takes the peer off its lane,
	// and off all books and counts that the dialect has put it on.
	left(l *loop, p *peer)

	// limits are what one connection may have.
	limits() limits
}

// limits are what one connection may have.
type limits struct {
	outbound int    // bytes of answers that it has not read
	unearned uint16 // workers with books that have not handed in a share that counts, beyond the first
}

// lineDialect is a dialect of which some messages are lines of JSON-RPC, the first
// one at least.
type lineDialect interface {
	dialect

	// request does what l.request asks for.
	request(l *loop, p *peer, out []byte) ([]byte, session.Effect)

	// malformed answers a line that is no request.
	malformed(l *loop, p *peer, err *codec.Error, out []byte) ([]byte, session.Effect)
}

// beginner makes connections speak a dialect.
type beginner interface {
	begin(l *loop, p *peer) dialect
}

// recognise returns the dialect that a connection is to speak from now on, by the
// listener that it came in by and by its first message, nil before there is one. It
// returns nil where the message says no more than that it may be Stratum V1.
func (l *loop) recognise(p *peer, first *codec.Request) dialect {
	switch {
	case p.listener.dialect != nil:
		return p.listener.dialect.begin(l, p)
	case first == nil:
		return unknown
	case agent.From(first):
		return newAgentPeer(l, p)
	}
	return nil
}

// stranger is the dialect of a connection that has neither subscribed nor authorized: it
// is taken for Stratum V1, and may still turn out to speak another.
type stranger struct{ stratum }

var unknown = new(stranger)

func (d *stranger) next(l *loop, p *peer, data, out []byte) (rest, answers []byte, effect session.Effect) {
	return l.nextLine(p, d, data, out)
}

func (d *stranger) request(l *loop, p *peer, out []byte) ([]byte, session.Effect) {
	if other := l.recognise(p, &l.request); other != nil {
		p.dialect = other
		return other.(lineDialect).request(l, p, out) // it has begun with a line
	}
	out, effect := d.stratum.request(l, p, out)
	if p.session.IsSubscribed() || p.session.IsAuthorized() {
		p.dialect = stratumV1
	}
	return out, effect
}

// nextLine is next for a dialect of lines.
func (l *loop) nextLine(p *peer, d lineDialect, data, out []byte) (rest, answers []byte, effect session.Effect) {
	line, rest, reason, ok := p.lines.next(data, &l.halves)
	if !ok {
		return nil, out, session.Effect{Kind: session.Hangup, Reason: reason}
	}
	if len(line) > 0 {
		out, effect = l.line(p, d, line, out)
	}
	return rest, out, effect
}

// line decodes a line and has d do what it asks for.
func (l *loop) line(p *peer, d lineDialect, line, out []byte) ([]byte, session.Effect) {
	l.counts.Messages.Add(1)
	p.session.Prefetch() // for when the line is decoded
	if err := l.decoder.DecodeRequest(line, &l.request); err != nil {
		l.counts.Malformed.Add(1)
		return d.malformed(l, p, err.(*codec.Error), out)
	}
	if !l.ready(p, l.request.Method == codec.Submit) {
		return out, session.Effect{Kind: session.Hangup}
	}
	return d.request(l, p, out)
}

// ready makes the loop ready for a message of a peer. Before any that is no share it
// judges the shares that were gathered: the peer's may be among them. It returns false
// when that has closed the peer.
func (l *loop) ready(p *peer, isShare bool) bool {
	if !isShare {
		if l.judge(); p.conn == nil {
			return false
		}
	}
	l.setEnv(p)
	return true
}
