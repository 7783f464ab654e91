package netloop

import (
	"net/netip"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// peer is one miner's connection, or one agent's. Its loop alone touches it. What
// each share takes comes first, as it is to lie close together.
type peer struct {
	conn      gnet.Conn // nil once closed: gnet writes to a closed Conn's descriptor, which may be another miner's
	fd        int32     // conn's, to be written to directly; noSocket: conn is to be asked
	slot      uint32
	agent     *agentPeer     // nil: it is a miner
	first     *stats.Worker  // under the name that it authorized first; nil: none yet, or an agent
	books     *stats.Miner   // nil: none are kept
	feed      *feed          // of its lane; nil before subscribe and authorize
	place     uint32         // in feed.members
	lags      bool           // it has something to read that the kernel did not take, or waits for a job: it is in loop.lagging
	missed    missed         // while it lagged
	reason    session.Reason // why it is being closed
	prefix    upstream.Prefix
	earned    bool   // it has handed in a share that counts
	forwarded bool   // and one that went to the pool, whatever became of it
	unearned  uint16 // of its further workers: how many have books, and have not
	opened    bool   // its first bytes were looked at: see open
	strayed   uint8  // how often it went to another account before
	waiting   uint16 // its shares without a verdict of the pool; of an agent's miners: agentMiner.waiting

	session session.Session
	lines   lines

	remote   netip.AddrPort // the miner's address, IPv4 as such
	listener *listener      // that it came in by

	others    *[]*further     // its workers after the first; nil: none
	route     *upstream.Route // of the worker that it mines for; nil before authorize
	login     string          // that worker's name, as it is booked
	last      *upstream.Lane  // the lane that it last worked on; nil: none yet
	userAgent string          // that it gave
}

// noSocket is the descriptor of a peer whose bytes have to go through something
// else than a socket.
const noSocket = -1

// member returns what the miner's lane is told of it.
func (p *peer) member() upstream.Member {
	return upstream.Member{Prefix: p.prefix, Login: p.login, Agent: p.userAgent}
}

// prefixOf returns the prefix of a share's miner: of an agent's, which is known
// to it by a session id, or the peer's own.
func (p *peer) prefixOf(session uint16) upstream.Prefix {
	x := p.prefix
	if p.agent != nil {
		x.Value = session
	}
	return x
}

// sessionOf returns which of an agent's miners a share is of, by the share's id;
// 0 for a miner's own.
func (p *peer) sessionOf(share *codec.ID) (session uint16) {
	if p.agent != nil {
		session, _ = agent.ShareOf(share)
	}
	return session
}

// waitingOf returns how many shares of a miner have no verdict of the pool yet. It
// is valid until the next call.
func (p *peer) waitingOf(session uint16) *uint16 {
	if p.agent != nil {
		return &p.agent.miner(session).waiting
	}
	return &p.waiting
}

// used reports that a share of the miner's may be known somewhere: at the pool, or to
// itself.
func (p *peer) used() bool { return p.earned || p.forwarded }

// settled takes note of the verdict on a share, and reports that its miner is to be
// closed.
func (p *peer) settled(v *upstream.Verdict) (over bool) {
	if p.agent != nil {
		p.agent.settled(p.sessionOf(&v.ID), v)
		return false
	}
	if p.waiting > 0 {
		p.waiting--
	}
	return p.session.Settled(v.Verdict, v.Own)
}

// isNew reports that it may still turn out to be an agent's: it has neither
// subscribed nor authorized.
func (p *peer) isNew() bool { return !p.session.IsSubscribed() && !p.session.IsAuthorized() }

// lastJob returns the id of the job that it was last sent; 0: none yet.
func (p *peer) lastJob() uint32 {
	if p.agent != nil {
		return p.agent.session.LastJob()
	}
	return p.session.LastJob()
}

// A Cookie names a peer: loop, generation, slot. The generation makes a cookie
// worthless once its slot serves another miner.
const (
	slotBits       = 24
	generationBits = 32
)

func makeCookie(loop int, generation, slot uint32) upstream.Cookie {
	return upstream.Cookie(uint64(loop)<<(generationBits+slotBits) | uint64(generation)<<slotBits | uint64(slot))
}

func splitCookie(c upstream.Cookie) (loop int, generation, slot uint32) {
	return int(c >> (generationBits + slotBits)), uint32(c >> slotBits), uint32(c) & (1<<slotBits - 1)
}

// slot is a place for a peer.
type slot struct {
	peer       *peer // nil: free
	generation uint32
}
