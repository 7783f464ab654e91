package mine

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"farmproxy/bench/wire"
)

// AgentShare returns the attempt as an agent states it, in the shortest form.
func (a *Attempt) AgentShare(j *Job, session uint16) wire.AgentShare {
	s := wire.AgentShare{
		Session: session, Nonce: a.Nonce, Extranonce2: binary.BigEndian.Uint32(a.Extranonce2),
		Flips: (j.version ^ a.Bits) & a.Mask,
	}
	if id, err := strconv.ParseUint(strings.Trim(j.ID, `"`), 10, 8); err == nil {
		s.Job = uint8(id)
	}
	s.HasVersion = s.Flips != 0
	if s.HasTime = a.NTime != j.NTime; s.HasTime {
		s.NTime = a.NTime
	}
	return s
}

// Attempt is what a miner varies to find a share for a job. The fleet makes all of its
// attempts in the same memory.
type Attempt struct {
	Extranonce1, Extranonce2 []byte
	NTime, Nonce, Bits       uint32
	Mask                     uint32

	header [80]byte
	Line   []byte // the submit
}

// AppendCounter appends the counter as big-endian extranonce2 of that size, wrapping
// around.
func AppendCounter(b []byte, counter uint64, size int) []byte {
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(counter>>(8*i)))
	}
	return b
}

// AppendSubmit appends the line that submits the attempt. It avoids fmt, which
// allocates for every number.
func (a *Attempt) AppendSubmit(b []byte, id int, name, job string) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), int64(id), 10)
	b = strconv.AppendQuote(append(b, `,"method":"mining.submit","params":[`...), name)
	b = append(append(b, ','), job...)
	b = appendHex(b, a.Extranonce2)
	words := []uint32{a.NTime, a.Nonce, a.Bits}
	if a.Mask == 0 {
		words = words[:2]
	}
	for _, w := range words {
		b = appendHex(b, []byte{byte(w >> 24), byte(w >> 16), byte(w >> 8), byte(w)})
	}
	return append(b, "]}\n"...)
}

// appendHex appends one more parameter.
func appendHex(b, value []byte) []byte {
	return append(hex.AppendEncode(append(b, `,"`...), value), '"')
}
