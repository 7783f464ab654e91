package netloop

import (
	"github.com/panjf2000/gnet/v2"

	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

// peer is one miner's connection. Its loop alone touches it.
type peer struct {
	conn    gnet.Conn // nil once closed: gnet writes to a closed Conn's descriptor, which may be another miner's
	session session.Session
	lines   lines
	route   *upstream.Route // of the worker that it mines for; nil before authorize
	login   string          // that worker's name, as it is booked
	feed    *feed           // of its lane; nil before subscribe and authorize
	place   int             // in feed.members
	prefix  upstream.Prefix
	books   *stats.Miner   // nil: none are kept
	last    *upstream.Lane // the lane that it last worked on; nil: none yet
	slot    uint32
	reason  session.Reason // why it is being closed
	agent   string
}

// member returns what the miner's lane is told of it.
func (p *peer) member() upstream.Member {
	return upstream.Member{Prefix: p.prefix, Login: p.login, Agent: p.agent}
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
