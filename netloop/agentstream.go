package netloop

import (
	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/session"
)

// maxAgentFrame bounds the frames of agents. Only a REGISTER has no fixed length;
// btcpool takes 100 bytes, and a user agent and a name of usual lengths fit here.
// Longer frames are skipped.
const maxAgentFrame = 512

// agentStream cuts an agent's bytes into lines and frames. As with lines, whole
// messages are returned where they lie in the buffer, and the rest of a read is kept.
type agentStream struct {
	lines
	skip int // bytes still to skip of an oversized frame
}

// agentMessage is a line or a frame; neither at the end of a read.
type agentMessage struct {
	line      []byte
	frame     agent.Frame
	oversized bool // a frame was skipped for its length
}

// next cuts the next message off data. It is valid until the next call. ok is false if
// the connection must be closed, for reason.
func (a *agentStream) next(data []byte, pool *halves) (m agentMessage, rest []byte, reason session.Reason, ok bool) {
	n := min(a.skip, len(data))
	a.skip -= n
	data = data[n:]
	half := a.half()
	for len(half) == 0 && len(data) > 0 && codec.Padding(data[0]) {
		data = data[1:] // lines skips it too, but could not tell a frame from a line after it
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

// frame cuts a frame off data; its beginning may have been kept.
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
		a.drop(pool) // lent again only when this frame has been handled
	}
	return agentMessage{frame: agent.Frame(whole[:size:size])}, data[size-kept:], 0, true
}
