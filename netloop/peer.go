package netloop

import (
	"github.com/panjf2000/gnet/v2"

	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/tap"
	"farmproxy/upstream"
)

// peer is one connection. Some fields are idle in dialects that don't need them:
// session, lines and those that describe a single miner. Only its loop touches it.
// Fields that every verdict reads come first, to share cache lines, then those that every
// share reads.
type peer struct {
	conn    gnet.Conn // nil once closed: gnet would write to the closed Conn's descriptor, which may be another miner's
	fd      int32     // conn's, to write to directly; noSocket: write through conn
	slot    uint32
	dialect dialect       // what it speaks
	first   *stats.Worker // of its first authorized name; nil: none yet
	feed    *feed         // of its lane; nil before subscribe and authorize
	rare    *rare         // rarely needed fields; nil: all of them zero
	place   uint32        // in feed.members
	prefix  upstream.Prefix
	marks   marks
	reason  session.Reason // why it is being closed
	waiting uint16         // its shares without the pool's verdict

	session session.Session
	lines   lines

	remote   address   // the miner's
	sent     sent      // since the last tick
	listener *listener // that it connected to

	goal      *upstream.Goal // of the worker that it mines for now; nil before authorize
	login     string         // that worker's name as booked
	last      *upstream.Lane // the lane that it last worked on; nil: none yet
	userAgent *string        // as it reported, interned; nil: none yet
}

// rare holds what few miners need: the others pay only for a pointer.
type rare struct {
	transport *wrapping    // nil: plain TCP
	books     *stats.Miner // nil: none are kept
	counted   bool         // guard counts the connection
	others    []*further   // its workers after the first
	tally     *tally       // nil: none is kept
	tap       *tap.Tap     // keeps its messages; nil: it is not traced
	unsent    []byte       // the kernel did not take it yet: see lagging.go

	unearned uint16 // how many of its further workers have books but no accepted share
	strayed  uint8  // how often it has switched accounts
	refused  uint8  // how many of its logins were refused
}

// marks are what is true of a peer: each has a bit, since a byte more of each miner would
// cost 32 (see TestTheMemoryOfAPeer).
type marks uint8

const (
	checked     marks = 1 << iota // its first bytes have been checked: see open
	earned                        // it has had a share accepted
	forwarded                     // it has had a share forwarded to the pool, whatever the verdict
	lagging                       // it has unread bytes that the kernel did not take, or waits for a job: it is in loop.lagging
	missedJob                     // it was not sent a job because it lagged
	missedClean                   // and that, or one before it, was clean
	inherited                     // the process before may have its socket, too
	loaded                        // it has a message in the loop's volley
)

func (p *peer) is(m marks) bool { return p.marks&m != 0 }

// transport returns the peer's transport; nil: plain TCP.
func (p *peer) transport() *wrapping {
	if p.rare == nil {
		return nil
	}
	return p.rare.transport
}

// books returns the per-connection books that the account proxy kept; if there are
// none it returns nil, which counts nothing.
func (p *peer) books() *stats.Miner {
	if p.rare == nil {
		return nil
	}
	return p.rare.books
}

// tally returns what the peer has done; nil, which counts nothing, if none is kept.
func (p *peer) tally() *tally {
	if p.rare == nil {
		return nil
	}
	return p.rare.tally
}

// unsent returns the bytes that the kernel has not taken yet.
func (p *peer) unsent() []byte {
	if p.rare == nil {
		return nil
	}
	return p.rare.unsent
}

// others returns the peer's workers after the first.
func (p *peer) others() []*further {
	if p.rare == nil {
		return nil
	}
	return p.rare.others
}

// more returns the peer's rare for modification.
func (p *peer) more() *rare {
	if p.rare == nil {
		p.rare = new(rare)
	}
	return p.rare
}

// agent returns the user agent that the peer reported.
func (p *peer) agent() string {
	if p.userAgent == nil {
		return ""
	}
	return *p.userAgent
}

// noSocket is the descriptor of a peer that does not write to its socket directly.
const noSocket = -1

// member describes the miner to its lane.
func (p *peer) member() upstream.Member {
	return upstream.Member{Prefix: p.prefix, Login: p.login, Agent: p.agent()}
}

// used reports whether a share of the miner may be known somewhere: to the pool, or to
// the miner itself.
func (p *peer) used() bool { return p.is(earned | forwarded) }

// A Cookie identifies a peer: loop, generation, slot. The generation invalidates a
// cookie once its slot serves another miner.
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
