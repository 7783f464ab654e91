package netloop

import (
	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

// dialect is what differs between the protocols that miners speak: how bytes become
// messages, what those ask for, and what the loop's own events mean to the peer. Each
// has its own file, which connects a state machine of package session to the loop.
// Per-peer state beyond session.Session is in the value itself.
//
// The loop calls it with Env.Feed set to the peer's lane, except for left.
type dialect interface {
	// next cuts one message off data and handles it. It returns the rest of data, and
	// out with the answers appended. The caller must act on the effect only if it is
	// Hangup.
	next(l *loop, p *peer, data, out []byte) (rest, answers []byte, effect session.Effect)

	// judge judges a share by its hash, in response to WantHash.
	judge(l *loop, p *peer, c *session.Candidate, out []byte) ([]byte, session.Effect)

	// refuse answers a share for which there is no room.
	refuse(p *peer, id *codec.ID, v work.Verdict, out []byte) []byte

	// verdict handles the pool's verdict on a share, and answers the share unless it
	// is Answered. over says that the miner must be closed: SharesRefused.
	verdict(l *loop, p *peer, v *upstream.Verdict) (over bool)

	// miner returns which miner of the connection sent a share: its prefix, and a
	// count of its shares without the pool's verdict. The pointer is valid until the
	// next call.
	miner(p *peer, share *codec.ID) (prefix uint16, waiting *uint16)

	// tally returns that miner's; nil: none is kept.
	tally(p *peer, share *codec.ID) *tally

	// waits reports whether any share still has no verdict from the pool.
	waits(p *peer) bool

	// job sends the lane's last job, clean or not, and counts it; lastJob returns the
	// id of the last one sent, 0 before. adjust sends what changed without a new job.
	job(l *loop, p *peer, clean bool, out []byte) ([]byte, session.Effect)
	lastJob(p *peer) uint32
	adjust(l *loop, p *peer, out []byte) []byte

	// tick is called every few seconds.
	tick(l *loop, p *peer, out []byte) ([]byte, session.Effect)

	// move moves the peer to another goal, or closes it.
	move(l *loop, p *peer, to *upstream.Goal)

	// workers visits the books of all workers that mine over the connection.
	workers(p *peer, visit func(*stats.Worker))

	// partial returns where the peer keeps a message of which the rest is yet to come.
	partial(p *peer) *lines

	// left is called when the connection has closed: it takes the peer off its lane,
	// and out of all books and counts that the dialect put it in.
	left(l *loop, p *peer)

	// limits are the limits of one connection.
	limits() limits
}

// limits are the limits of one connection.
type limits struct {
	outbound int    // bytes of unread answers
	miners   int    // that it has, beside itself: each may send as well
	unearned uint16 // workers beyond the first that have books but no accepted share
}

// lineDialect is a dialect in which some messages, at least the first, are lines of
// JSON-RPC.
type lineDialect interface {
	dialect

	// request handles l.request.
	request(l *loop, p *peer, out []byte) ([]byte, session.Effect)

	// malformed answers a line that is not a valid request.
	malformed(l *loop, p *peer, err *codec.Error, out []byte) ([]byte, session.Effect)
}

// beginner starts a dialect on a connection.
type beginner interface {
	begin(l *loop, p *peer) dialect
}

// recognise chooses a connection's dialect by its listener and its first message,
// which is nil before there is one. It returns nil if the message fits Stratum V1 but
// does not settle it.
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

// stranger is the dialect of a connection that has neither subscribed nor authorized:
// Stratum V1 is assumed, and it may still turn out to be another.
type stranger struct{ stratum }

var unknown = new(stranger)

func (d *stranger) next(l *loop, p *peer, data, out []byte) (rest, answers []byte, effect session.Effect) {
	return l.nextLine(p, d, data, out)
}

func (d *stranger) request(l *loop, p *peer, out []byte) ([]byte, session.Effect) {
	if other := l.recognise(p, &l.request); other != nil {
		p.dialect = other
		return other.(lineDialect).request(l, p, out) // its first message is a line
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

// line decodes a line and passes it to d.
func (l *loop) line(p *peer, d lineDialect, line, out []byte) ([]byte, session.Effect) {
	l.counts.Messages.Add(1)
	p.tap().Add(l.wall, false, line)
	p.session.Prefetch() // ready by the time the line is decoded
	if reason, flood := l.floods(p); flood {
		return out, session.Effect{Kind: session.Hangup, Reason: reason}
	}
	if err := l.decoder.DecodeRequest(line, &l.request); err != nil {
		l.counts.Malformed.Add(1)
		return d.malformed(l, p, err.(*codec.Error), out)
	}
	share := l.request.Method == codec.Submit
	if share {
		p.sent.shares++
	}
	if !l.ready(p, share) {
		return out, session.Effect{Kind: session.Hangup}
	}
	return d.request(l, p, out)
}

// ready prepares the loop for a message of a peer. Before any message other than a
// share, it judges the gathered shares: the peer's may be among them. It returns false
// if that closed the peer.
func (l *loop) ready(p *peer, isShare bool) bool {
	if !isShare {
		if l.judge(); p.conn == nil {
			return false
		}
	}
	l.setEnv(p)
	return true
}
