package agent

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"farmproxy/codec"
	"farmproxy/work"
)

// What only the side has to know that agents connect to.

// userAgent is how the user agents of agents begin. One that subscribes
// before anything else is told by it, as btcpool tells them all.
var userAgent = []byte("btccom-agent/")

// From reports whether a request, the first of its connection, comes from an
// agent. BTCAgent in Go begins with agent.get_capabilities, the older one in C++
// subscribes and waits for the answer.
func From(r *codec.Request) bool {
	switch r.Method {
	case codec.AgentGetCapabilities:
		return true
	case codec.Subscribe:
		return bytes.HasPrefix(r.Subscribe().Agent, userAgent)
	}
	return false
}

// FrameSize returns the length of the frame that a stream goes on with, as
// far as it is there; 0 where it is too short to tell. ok is false for a length
// that can't be.
func FrameSize(data []byte) (size int, ok bool) {
	if len(data) < headerLen {
		return 0, true
	}
	size = int(binary.LittleEndian.Uint16(data[2:]))
	return size, size >= headerLen
}

// ShareID returns what a share that came in a frame is known by while it is on
// its way: where the id of mining.submit would be.
func ShareID(sid, index uint16) codec.ID {
	return codec.NumberID(uint32(sid)<<16 | uint32(index))
}

// ShareOf returns what ShareID was given.
func ShareOf(id *codec.ID) (sid, index uint16) {
	n := id.Number()
	return uint16(n >> 16), uint16(n)
}

// AppendNotify appends a job's line as an agent gets it: under an id of its
// connection, and without the last cut bytes of coinb1, which the agent puts there
// itself.
func AppendNotify(dst []byte, l *work.Line, job uint8, cut int, ntime uint32, clean bool) []byte {
	const end = `","` // of Head, behind coinb1
	head := l.Head[len(codec.NotifyHead):]
	head = head[bytes.IndexByte(head, '"') : len(head)-len(end)-2*cut]
	dst = append(dst, codec.NotifyHead...)
	dst = strconv.AppendUint(dst, uint64(job), 10)
	dst = append(dst, head...)
	dst = append(dst, end...)
	return codec.AppendNotifyEnd(dst, l, ntime, clean)
}
