package netloop

import (
	"github.com/panjf2000/gnet/v2"

	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// peer is one connection. What only some dialects need of it lies idle with others:
// session, lines and what describes one miner. Its loop alone touches it. What each
// share takes comes first, as it is to lie close together.
type peer struct {
	conn      gnet.Conn // nil once closed: gnet writes to a closed Conn's descriptor, which may be another miner's
	fd        int32     // conn's, to be written to directly; noSocket: conn is to be asked
	slot      uint32
	dialect   dialect        // what it speaks
	first     *stats.Worker  // under the name that it authorized first; nil: none yet
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
	waiting   uint16 // its shares without a verdict of the pool

	session session.Session
	lines   lines

	remote   address   // the miner's
	listener *listener // that it came in by

	rare      *rare           // what few miners have; nil: nothing of it
	route     *upstream.Route // of the worker that it mines for; nil before authorize
	login     string          // that worker's name, as it is booked
	last      *upstream.Lane  // the lane that it last worked on; nil: none yet
	userAgent *string         // that it gave, interned; nil: none yet
}

// rare is what few miners have, and the others pay for by a pointer.
type rare struct {
	transport *wrapping    // nil: plain TCP
	books     *stats.Miner // nil: none are kept
	others    []*further   // its workers after the first
}

// transport returns what stands between the socket and the dialect; nil: plain TCP.
func (p *peer) transport() *wrapping {
	if p.rare == nil {
		return nil
	}
	return p.rare.transport
}

// books returns those that the account proxy kept of a connection; nil, which counts
// nothing, where none are kept.
func (p *peer) books() *stats.Miner {
	if p.rare == nil {
		return nil
	}
	return p.rare.books
}

// others returns its workers after the first.
func (p *peer) others() []*further {
	if p.rare == nil {
		return nil
	}
	return p.rare.others
}

// more returns the peer's rare, to be changed.
func (p *peer) more() *rare {
	if p.rare == nil {
		p.rare = new(rare)
	}
	return p.rare
}

// agent returns the user agent that it gave.
func (p *peer) agent() string {
	if p.userAgent == nil {
		return ""
	}
	return *p.userAgent
}

// noSocket is the descriptor of a peer whose bytes have to go through something
// else than a socket.
const noSocket = -1

// member returns what the miner's lane is told of it.
func (p *peer) member() upstream.Member {
	return upstream.Member{Prefix: p.prefix, Login: p.login, Agent: p.agent()}
}

// used reports that a share of the miner's may be known somewhere: at the pool, or to
// itself.
func (p *peer) used() bool { return p.earned || p.forwarded }

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
