package netloop

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/session"
	"farmproxy/upstream"
)

const (
	// handshakeTime is how long a handshake may take, from the connection on: the
	// slowest control boards compute for a second.
	handshakeTime = 10 * time.Second

	// maxHello bounds what is kept of a hello that is not whole, as of a line that is
	// not. Hellos have 200 to 2,000 bytes.
	maxHello = codec.MaxMinerLine

	// maxEarly bounds what a miner may send before the end of its handshake is known
	// here: a first message may be on its way already.
	maxEarly = 16 << 10
)

// handshake is what a connection has until its transport is established.
type handshake struct {
	with  Handshaker
	kept  []byte // received, and not handed to with yet
	begun bool   // its hello was whole
	away  bool   // the shaker has it: the loop must not touch with
	why   error  // it failed

	gone atomic.Bool // the connection has closed
	open *opened     // in shaker.open; nil: not there. Guarded by shaker.mu
}

// shake handles bytes of a handshake.
func (l *loop) shake(p *peer, h *handshake, data []byte) gnet.Action {
	h.kept = append(h.kept, data...)
	most := maxEarly
	if !h.begun {
		most = maxHello
		whole, ok := h.with.Hello(h.kept)
		if !ok {
			p.reason = session.NotTLS
			return gnet.Close
		}
		h.begun = whole
	}
	switch {
	case len(h.kept) > most:
		h.why, p.reason = errTooEarly, session.TransportFailed
		return gnet.Close
	case h.begun && !h.away:
		l.handOff(p, h)
	}
	return gnet.None
}

var errTooEarly = errors.New("more bytes than a handshake has")

// handOff has the shaker take the next step of a handshake.
func (l *loop) handOff(p *peer, h *handshake) {
	s := &step{cookie: l.cookie(p), from: network(p.remote.Addr()), hands: h, data: h.kept}
	h.kept, h.away = nil, true
	l.server.shaker.put(s)
}

// shaken continues after a step of a handshake.
func (l *loop) shaken(s *step) {
	h, p := s.hands, l.find(s.cookie)
	if s.late {
		if p != nil {
			l.close(p, session.HandshakeTimeout)
		}
		return
	}
	h.away = false
	switch {
	case p == nil:
		h.with.Close()
		return
	case !l.answer(p, h.with):
		return
	case s.err != nil:
		h.why = s.err
		l.close(p, session.TransportFailed)
		return
	case !s.done:
		if len(h.kept) > 0 {
			l.handOff(p, h)
		}
		return
	}
	p.transport().hands = nil
	if l.unwrap(p, append(s.data, h.kept...)) == gnet.Close {
		l.close(p, p.reason)
	}
}

// unwrapped ends a transport whose connection has closed.
func (l *loop) unwrapped(t *wrapping) {
	if h := t.hands; h != nil {
		h.gone.Store(true)
		l.server.shaker.over(h)
		if h.away {
			return // shaken closes it
		}
	}
	t.Close()
}

// dawdles reports whether a peer takes too long for its handshake.
func (l *loop) dawdles(p *peer) bool {
	t := p.transport()
	return t != nil && t.hands != nil && p.session.Age(l.env.Now) >= handshakeTime
}

// cause returns why a peer's handshake failed; nil: it did not.
func (p *peer) cause() error {
	if t := p.transport(); t != nil && t.hands != nil {
		return t.hands.why
	}
	return nil
}

// step is a step of a handshake on its way to the shaker and back.
type step struct {
	cookie upstream.Cookie
	from   netip.Addr
	hands  *handshake
	data   []byte // what was received; on the way back the rest of it
	done   bool   // the handshake is over
	err    error
	late   bool // no step: the miner dawdles while others wait
}
