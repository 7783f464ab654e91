package agent

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"farmproxy/codec"
	"farmproxy/work"
)

// Only for the side that agents connect to.

// userAgent is the start of agents' user agents. It identifies an agent that
// subscribes first; btcpool identifies all of them by it.
var userAgent = []byte("btccom-agent/")

// From reports whether a request, the first of its connection, comes from an agent.
// BTCAgent in Go starts with agent.get_capabilities; the older one in C++ subscribes
// and waits for the answer.
func From(r *codec.Request) bool {
	switch r.Method {
	case codec.AgentGetCapabilities:
		return true
	case codec.Subscribe:
		return bytes.HasPrefix(r.Subscribe().Agent, userAgent)
	}
	return false
}

// FrameSize returns the length of the frame at the start of data, which may be
// incomplete; 0 if data is too short to tell. ok is false for an impossible length.
func FrameSize(data []byte) (size int, ok bool) {
	if len(data) < headerLen {
		return 0, true
	}
	size = int(binary.LittleEndian.Uint16(data[2:]))
	return size, size >= headerLen
}

// ShareID returns the id of a share from a frame, in place of the id of a
// mining.submit.
func ShareID(sid, index uint16) codec.ID {
	return codec.NumberID(uint32(sid)<<16 | uint32(index))
}

// ShareOf returns the arguments given to ShareID.
func ShareOf(id *codec.ID) (sid, index uint16) {
	n := id.Number()
	return uint16(n >> 16), uint16(n)
}

// AppendNotify appends a job's line for an agent: under an id of its connection, and
// without the last cut bytes of coinb1, which the agent adds itself.
func AppendNotify(dst []byte, l *work.Line, job uint8, cut int, ntime uint32, clean bool) []byte {
	const end = `","` // of Head, after coinb1
	head := l.Head[len(codec.NotifyHead):]
	head = head[bytes.IndexByte(head, '"') : len(head)-len(end)-2*cut]
	dst = append(dst, codec.NotifyHead...)
	dst = strconv.AppendUint(dst, uint64(job), 10)
	dst = append(dst, head...)
	dst = append(dst, end...)
	return codec.AppendNotifyEnd(dst, l, ntime, clean)
}
