package netloop

import (
	"runtime"

	"farmproxy/internal/uring"
	"farmproxy/session"
)

// volleyBytes bounds the bytes of a volley: 64 jobs of a kilobyte.
const volleyBytes = 64 << 10

// volley is what a loop has for several miners, a message for each, to be sent with one
// system call. That saves more than the calls: at the end of each sendto the kernel may
// give the processor to whoever has just got something to read.
//
//	beginVolley ──> jobs, or verdicts: transmit loads them, and fires a full volley ──> endVolley
//
// A peer with a message in it is loaded. Nothing else is sent to it, and it is not closed,
// before the volley is fired.
type volley struct {
	ring ring // nil: there are no volleys, each message is sent at once
	open bool

	to    []*peer
	list  []uring.Message // one for each of them
	bytes []byte          // of the messages
	lost  []*peer         // to be closed when it ends
}

// ring is *uring.Ring, or what a test has in its place.
type ring interface {
	Send(list []uring.Message) (n int)
}

// beginVolley has messages loaded from now on, where that is possible.
func (l *loop) beginVolley() { l.volley.open = l.volley.ring != nil }

// endVolley fires what is loaded, and closes the peers that could not be sent to. They are
// closed last, since that may cause messages to others.
func (l *loop) endVolley() {
	l.fire()
	v := &l.volley
	v.open = false
	lost := v.lost
	v.lost = nil
	for _, p := range lost {
		l.close(p, p.reason)
	}
}

// load adds a message to the volley; false: it has to be sent at once.
func (l *loop) load(p *peer, out []byte) bool {
	v := &l.volley
	if !v.open || p.fd == noSocket || len(out) > volleyBytes {
		return false
	}
	if len(v.list) == uring.MaxMessages || len(v.bytes)+len(out) > volleyBytes {
		l.fire()
	}
	if v.bytes == nil {
		v.bytes = make([]byte, 0, volleyBytes)
	}
	at := len(v.bytes)
	v.bytes = append(v.bytes, out...)
	v.to = append(v.to, p)
	v.list = append(v.list, uring.Message{FD: p.fd, Bytes: v.bytes[at:]})
	p.marks |= loaded
	return true
}

// fire sends the volley, and keeps what the kernel does not take.
func (l *loop) fire() {
	v := &l.volley
	fired := 0
	if len(v.list) > 1 {
		fired = v.ring.Send(v.list)
	}
	for i := range v.list {
		m, p := &v.list[i], v.to[i]
		p.marks &^= loaded
		var err error
		if i >= fired {
			m.Sent, err = send(m.FD, m.Bytes)
		} else if m.Err != 0 {
			err = m.Err
		}
		reason, ok := session.MinerLeft, err == nil
		if ok {
			reason, ok = l.wrote(p, m.Bytes, m.Sent)
		}
		if !ok {
			p.reason = reason
			v.lost = append(v.lost, p)
		}
	}
	clear(v.to)
	clear(v.list)
	v.to, v.list, v.bytes = v.to[:0], v.list[:0], v.bytes[:0]
}

// openRings gives each loop a ring. It is called once, before any loop has a miner.
func (s *Server) openRings() {
	for _, l := range *s.loops.Load() {
		ring, err := uring.Open()
		if err != nil {
			s.log.Info("jobs and verdicts are sent one by one, which is slower: io_uring can't be used", "reason", err)
			return
		}
		runtime.AddCleanup(l, (*uring.Ring).Close, ring) // no sooner: the loop may still run
		l.mailbox.call(func() { l.volley.ring = ring })
	}
}
