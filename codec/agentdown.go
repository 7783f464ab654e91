package codec

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// What only the side has to know that agents connect to.

// agentUserAgent is how the user agents of agents begin. One that subscribes
// before anything else is told by it, as btcpool tells them all.
var agentUserAgent = []byte("btccom-agent/")

// FromAgent reports whether the request, the first of its connection, comes
// from an agent. BTCAgent in Go begins with agent.get_capabilities, the older
// one in C++ subscribes and waits for the answer.
func (r *Request) FromAgent() bool {
	switch r.Method {
	case AgentGetCapabilities:
		return true
	case Subscribe:
		return bytes.HasPrefix(r.Subscribe().Agent, agentUserAgent)
	}
	return false
}

// AgentFrameSize returns the length of the frame that a stream goes on with, as
// far as it is there; 0 where it is too short to tell. ok is false for a length
// that can't be.
func AgentFrameSize(data []byte) (size int, ok bool) {
	if len(data) < agentHeaderLen {
		return 0, true
	}
	size = int(binary.LittleEndian.Uint16(data[2:]))
	return size, size >= agentHeaderLen
}

// AgentShareID returns what a share that came in a frame is known by while it
// is on its way: where the id of mining.submit would be.
func AgentShareID(session, index uint16) (id ID) {
	id.n = uint8(len(strconv.AppendUint(id.text[:0], uint64(session)<<16|uint64(index), 10)))
	return id
}

// AgentShare returns what AgentShareID was made of.
func (id *ID) AgentShare() (session, index uint16) {
	var n uint32
	for _, digit := range id.text[:id.n] {
		n = n*10 + uint32(digit-'0')
	}
	return uint16(n >> 16), uint16(n)
}

// AppendAgentNotify appends the line as an agent gets it: under an id of its
// connection, and without the last cut bytes of coinb1, which the agent puts
// there itself.
func (l *NotifyLine) AppendAgentNotify(dst []byte, job uint8, cut int, ntime uint32, clean bool) []byte {
	const end = `","` // of Head, behind coinb1
	head := l.Head[len(notifyHead):]
	head = head[bytes.IndexByte(head, '"') : len(head)-len(end)-2*cut]
	dst = append(dst, notifyHead...)
	dst = strconv.AppendUint(dst, uint64(job), 10)
	dst = append(dst, head...)
	dst = append(dst, end...)
	return appendNotifyTail(dst, l.Tail, ntime, clean)
}
