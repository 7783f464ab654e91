package netloop

import (
	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/session"
)

// maxAgentFrame bounds the frames of agents. A REGISTER is the only one of any
// length; btcpool takes 100 bytes, and a user agent and a name of the usual
// lengths fit here. What is longer is passed over.
const maxAgentFrame = 512

// agentStream cuts an agent's bytes into lines and frames. As with lines, what
// is whole is handed out where it lies, and the rest of a read is kept.
type agentStream struct {
	lines
	skip int // bytes of a frame that is passed over
}

// agentMessage is one line or one frame; neither, where the read ends.
type agentMessage struct {
	line      []byte
	frame     agent.Frame
	oversized bool // a frame that was passed over, for its length
}

// next cuts the next message off data. It is valid until the call after. ok is
// false when the bytes are not worth reading on, for reason.
func (a *agentStream) next(data []byte, pool *halves) (m agentMessage, rest []byte, reason session.Reason, ok bool) {
	n := min(a.skip, len(data))
	a.skip -= n
	data = data[n:]
	half := a.half()
	for len(half) == 0 && len(data) > 0 && codec.Padding(data[0]) {
		data = data[1:] // lines cuts them off too, but would not know what follows
	}
	if len(data) == 0 {
		return m, nil, 0, true
	}
	first := data[0]
	if len(half) > 0 {
		first = half[0]
	}
	if first == agent.Magic {
		return a.frame(data, pool)
	}
	m.line, rest, reason, ok = a.lines.next(data, pool)
	return m, rest, reason, ok
}

// frame cuts a frame off data, of which the beginning may have been kept.
func (a *agentStream) frame(data []byte, pool *halves) (m agentMessage, rest []byte, reason session.Reason, ok bool) {
	whole, half := data, a.half()
	if len(half) > 0 {
		whole = append(half, data[:min(len(data), maxAgentFrame)]...)
	}
	size, ok := agent.FrameSize(whole)
	kept := len(half)
	switch {
	case !ok:
		return m, nil, session.BadFrame, false
	case size > maxAgentFrame:
		a.drop(pool)
		a.skip = size - kept
		n := min(a.skip, len(data))
		a.skip -= n
		return agentMessage{oversized: true}, data[n:], 0, true
	case size == 0 || size > len(whole):
		a.keep(data, pool)
		return m, nil, 0, true
	}
	if kept > 0 {
		a.drop(pool) // lent again only after this frame is done with
	}
	return agentMessage{frame: agent.Frame(whole[:size:size])}, data[size-kept:], 0, true
}
